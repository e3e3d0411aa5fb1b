public import Basics
internal import Glibc

/// Lines of a file, read in pieces: memory is one line and one piece. Used by one thread.
public final class LineReader {
    private let path: String
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var at = 0
    /// Of the next line in the file.
    public private(set) var offset = 0
    private var isAtEnd = false

    private static let pieceBytes = 1 << 20
    /// A longer line is no result of a provider.
    public static let lineBytesMax = 256 << 20

    public init(_ path: String) throws(RetortError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw .system(errno, "open", path) }
    }

    deinit { close(descriptor) }

    /// The next line, without its line feed, empty ones left out; nil at the end. The last one may lack its line feed.
    public func next() throws(RetortError) -> (offset: Int, line: [UInt8])? {
        while true {
            if let end = buffer[at...].firstIndex(of: 0x0A) {
                let found = (offset, Array(buffer[at..<end]))
                offset += end + 1 - at
                at = end + 1
                if found.1.isEmpty { continue }
                return found
            }
            if isAtEnd {
                guard at < buffer.count else { return nil }
                let found = (offset, Array(buffer[at...]))
                offset += buffer.count - at
                at = buffer.count
                return found
            }
            try fill()
        }
    }

    private func fill() throws(RetortError) {
        buffer.removeFirst(at)
        at = 0
        guard buffer.count < Self.lineBytesMax else {
            throw RetortError(.damagedData, "a line is longer than any result", at: path)
        }
        var piece = [UInt8](repeating: 0, count: Self.pieceBytes)
        let count = read(descriptor, &piece, piece.count)
        if count < 0, errno == EINTR { return }
        guard count >= 0 else { throw .system(errno, "read", path) }
        isAtEnd = count == 0
        buffer += piece[..<count]
    }

    /// The line at an offset.
    public func line(at offset: Int, bytes: Int) throws(RetortError) -> [UInt8] {
        var line = [UInt8](repeating: 0, count: bytes)
        var filled = 0
        while filled < bytes {
            let count = line.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress! + filled, bytes - filled, offset + filled)
            }
            guard count > 0 else { throw .system(count < 0 ? errno : EIO, "read", path) }
            filled += count
        }
        return line
    }
}

/// A file that is written once, from its start to its end, with a hash of what it holds.
public final class FileWriter {
    public let path: String
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    /// Of all pieces so far.
    public private(set) var hash = Hash128(high: 0, low: 0)

    private static let bufferBytes = 1 << 20

    /// Makes the file, in the place of one that was left there.
    public init(_ path: String) throws(RetortError) {
        self.path = path
        unlink(path)
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw .system(errno, "open", path) }
    }

    deinit { close(descriptor) }

    public func write(_ bytes: [UInt8]) throws(RetortError) {
        let piece = bytes.withUnsafeBytes { ContentHash.hash128($0) }
        var chain: [UInt8] = []
        for value in [hash.high, hash.low, piece.high, piece.low] { Hexadecimal.append(value, to: &chain) }
        hash = chain.withUnsafeBytes { ContentHash.hash128($0) }
        buffer += bytes
        if buffer.count >= Self.bufferBytes { try flush() }
    }

    private func flush() throws(RetortError) {
        var written = 0
        while written < buffer.count {
            let count = buffer.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written)
            }
            guard count > 0 else { throw .system(errno, "write", path) }
            written += count
        }
        buffer.removeAll(keepingCapacity: true)
    }

    /// When it returns, the file survives a power cut.
    public func finish() throws(RetortError) {
        try flush()
        guard fsync(descriptor) == 0 else { throw .system(errno, "fsync", path) }
    }
}
