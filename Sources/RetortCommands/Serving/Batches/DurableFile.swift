import Basics
import Glibc

/// Files of a server that must be whole and survive a power cut: written beside and renamed.
enum DurableFile {
    static func write(_ bytes: some Collection<UInt8>, to path: String) throws(RetortError) {
        let writer = try Writer(path)
        try writer.append(Array(bytes))
        try writer.finish()
    }

    /// The whole file; nil where there is none.
    static func read(_ path: String) throws(RetortError) -> [UInt8]? {
        do throws(RetortError) {
            return Array(try TextFile.read(path).utf8)
        } catch {
            if error.code == .inputMissing { return nil }
            throw error
        }
    }

    /// Writes a file that appears whole, or not at all.
    final class Writer {
        private let path: String
        private let temporary: String
        private var descriptor: Int32
        private var pending: [UInt8] = []
        private static let pieceBytes = 1 << 20

        init(_ path: String) throws(RetortError) {
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

        func append(_ bytes: [UInt8]) throws(RetortError) {
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

        func finish() throws(RetortError) {
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
final class LineFile {
    private let file: UnsafeMutablePointer<FILE>
    private var line: UnsafeMutablePointer<CChar>?
    private var capacity = 0
    private(set) var number = 0

    init(_ path: String) throws(RetortError) {
        guard let opened = fopen(path, "re") else { throw .system(errno, "open", path) }
        file = opened
    }

    deinit {
        fclose(file)
        free(line)
    }

    /// The next line that is not blank, without its end; nil at the end of the file.
    func next() -> [UInt8]? {
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
