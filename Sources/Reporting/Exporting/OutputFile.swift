package import Basics
import CommandLine
import Glibc
import Gzip

/// A file that appears complete or not at all: written to a temporary name, made durable, then renamed. A name ending
/// in `.gz` makes it one gzip member, which every reader supports. `-` is standard output; devices and pipes are
/// written directly.
///
/// Used by one thread, except `discard`, which may be called from any.
package final class OutputFile: Sendable {
    /// Its name in messages.
    package let name: String
    private let temporary: String?
    private let descriptor: Int32
    private let state: Locked<State>

    private struct State {
        var output: DataOutput
        var compressor: GzipWriter?
        var isOpen = true
        var bytes = 0
    }

    /// Throws `.usage` if the file exists and may not be replaced, `.io` if it cannot be created.
    package init(_ path: String, replacing: Bool) throws(RetortError) {
        name = path == "-" ? "standard output" : path
        guard path != "-" else {
            descriptor = STDOUT_FILENO
            temporary = nil
            state = Locked(State(output: DataOutput.standardOutput()))
            return
        }
        if let kind = Self.kind(of: path) {
            if kind == S_IFDIR { throw RetortError(.usage, "the output is a directory", at: path) }
            if kind == S_IFREG, !replacing {
                throw RetortError(.usage, "the output exists already", at: path, remedy: "Add --force to replace it.")
            }
            temporary = kind == S_IFREG ? Self.temporaryName(path) : nil
        } else {
            temporary = Self.temporaryName(path)
        }
        let flags = temporary == nil ? O_WRONLY : O_WRONLY | O_CREAT | O_TRUNC
        descriptor = open(temporary ?? path, flags | O_CLOEXEC, 0o666)
        let number = errno
        guard descriptor >= 0 else {
            var error = RetortError.system(number, "open", path)
            if error.code == .inputMissing { error.code = .io }
            throw error
        }
        let output = DataOutput(descriptor: descriptor, name: path, interactive: false)
        var state = State(output: output)
        if path.hasSuffix(".gz") {
            state.compressor = GzipWriter { bytes throws(RetortError) in try output.write(bytes.bytes) }
        }
        self.state = Locked(state)
    }

    deinit { discard() }

    private static func temporaryName(_ path: String) -> String { "\(path).tmp-\(getpid())" }

    /// The type of the file at a path; nil if there is none.
    private static func kind(of path: String) -> mode_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
    }

    /// Writes a line, and a line feed after it.
    package func line(_ line: [UInt8]) throws(RetortError) { try write(line + [0x0A]) }

    package func write(_ bytes: [UInt8]) throws(RetortError) {
        try state.withLock { state throws(RetortError) in
            state.bytes += bytes.count
            guard let compressor = state.compressor else { return try state.output.write(bytes) }
            try compressor.write(bytes)
        }
    }

    /// Ends the file, makes it durable and gives it its final name.
    package func finish() throws(RetortError) {
        try state.withLock { state throws(RetortError) in
            try state.compressor?.finish()
            try state.output.flush()
            guard let temporary else { return }
            try check(fsync(descriptor), "fsync")
            try check(rename(temporary, name), "rename")
            close(descriptor)
            state.isOpen = false
        }
        if temporary != nil { try syncDirectory() }
    }

    /// Removes an unfinished file.
    package func discard() {
        state.withLock { state in
            guard state.isOpen, let temporary else { return }
            state.isOpen = false
            unlink(temporary)
            close(descriptor)
        }
    }

    private func check(_ status: Int32, _ call: String) throws(RetortError) {
        let number = errno
        if status != 0 { throw RetortError.system(number, call, name) }
    }

    private func syncDirectory() throws(RetortError) {
        let end = name.lastIndex(of: "/")
        let directory = end.map { $0 == name.startIndex ? "/" : String(name[..<$0]) } ?? "."
        let handle = open(directory, O_RDONLY | O_CLOEXEC)
        guard handle >= 0 else { return }
        defer { close(handle) }
        try check(fsync(handle), "fsync")
    }
}
