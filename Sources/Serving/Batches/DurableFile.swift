package import Basics
import Glibc

/// Server files that must be complete and survive a power cut: written to a temporary name, synced and renamed.
package enum DurableFile {
    package static func write(_ bytes: some Collection<UInt8>, to path: String) throws(RetortError) {
        let writer = try Writer(path)
        var rest = bytes[...]
        while !rest.isEmpty {
            try writer.append(Array(rest.prefix(Writer.pieceBytes)))
            rest = rest.dropFirst(Writer.pieceBytes)
        }
        try writer.finish()
    }

    /// Maximum bytes of a file that is read whole.
    private static let bytesMax = 16 << 20
    private static let pieceBytes = 64 << 10

    /// The whole file; nil if there is none, or if it is not a file written here: a link, a pipe, or too long.
    package static func read(_ path: String) throws(RetortError) -> [UInt8]? {
        let descriptor: Int32
        do throws(RetortError) {
            descriptor = try openToRead(path)
        } catch {
            if error.code == .inputMissing || error.code == .damagedData { return nil }
            throw error
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: pieceBytes)
        while bytes.count <= bytesMax {
            let count = Glibc.read(descriptor, &piece, pieceBytes)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system(errno, "read", path) }
            if count == 0 { return bytes }
            bytes += piece[..<count]
        }
        return nil
    }

    /// Opens a file that was written here. Throws `.damagedData` if it is not a regular file, without blocking on it.
    package static func openToRead(_ path: String) throws(RetortError) -> Int32 {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            guard errno == ELOOP || errno == ENXIO else { throw .system(errno, "open", path) }
            throw RetortError(.damagedData, "a link or a socket is in the place of a file", at: path)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw RetortError(.damagedData, "the file is no longer a regular file", at: path)
        }
        return descriptor
    }

    /// Writes a file that appears complete, or not at all.
    package final class Writer {
        private let path: String
        private let temporary: String
        private var descriptor: Int32
        private var pending: [UInt8] = []
        fileprivate static let pieceBytes = 1 << 20

        package init(_ path: String) throws(RetortError) {
            self.path = path
            temporary = path + ".tmp"
            unlink(temporary)
            descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw .system(errno, "open", temporary) }
        }

        deinit {
            guard descriptor >= 0 else { return }
            close(descriptor)
            unlink(temporary)
        }

        package func append(_ bytes: [UInt8]) throws(RetortError) {
            pending += bytes
            if pending.count >= Self.pieceBytes { try flush() }
        }

        private func flush() throws(RetortError) {
            var at = 0
            while at < pending.count {
                let count = pending.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + at, $0.count - at) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw .system(errno, "write", temporary) }
                at += count
            }
            pending = []
        }

        package func finish() throws(RetortError) {
            try flush()
            guard fsync(descriptor) == 0 else { throw .system(errno, "fsync", temporary) }
            close(descriptor)
            descriptor = -1
            guard rename(temporary, path) == 0 else { throw .system(errno, "rename", temporary) }
            let directory = open(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]), O_RDONLY | O_CLOEXEC)
            guard directory >= 0 else { return }
            fsync(directory)
            close(directory)
        }
    }
}

/// The lines of a file, one after another.
package final class LineFile {
    private let file: UnsafeMutablePointer<FILE>
    private var line: UnsafeMutablePointer<CChar>?
    private var capacity = 0
    package private(set) var number = 0

    package init(_ path: String) throws(RetortError) {
        let descriptor = try DurableFile.openToRead(path)
        guard let opened = fdopen(descriptor, "r") else {
            let number = errno
            close(descriptor)
            throw .system(number, "open", path)
        }
        file = opened
    }

    deinit {
        fclose(file)
        free(line)
    }

    /// The next line that is not blank, without its end; nil at the end of the file.
    package func next() -> [UInt8]? {
        while true {
            let count = getline(&line, &capacity, file)
            guard count >= 0, let line else { return nil }
            number += 1
            var bytes = Array(UnsafeRawBufferPointer(start: line, count: count))
            while let last = bytes.last, last == 0x0A || last == 0x0D || last == 0x20 { bytes.removeLast() }
            if !bytes.isEmpty { return bytes }
        }
    }
}
