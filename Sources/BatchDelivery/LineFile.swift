public import Basics
internal import Glibc

/// Reads the lines of a file in pieces: memory is one line and one piece. Used by one thread.
public final class LineReader {
    private let path: String
    private let descriptor: Int32
    private let lineBytesMax: Int
    private let skipsLonger: Bool
    private var buffer: [UInt8] = []
    private var piece = [UInt8](repeating: 0, count: pieceBytes)
    private var at = 0
    /// Up to this position the buffer has no line feed after `at`.
    private var searched = 0
    /// The next line's offset in the file.
    public private(set) var offset = 0
    private var isAtEnd = false
    /// The line exceeded the maximum and its beginning was dropped.
    private var isSkipping = false

    private static let pieceBytes = 1 << 20
    /// Maximum bytes of a request line.
    public static let lineBytesMax = 256 << 20
    /// Maximum bytes of a result line. A live run rejects a longer answer, too.
    public static let resultBytesMax = 64 << 20

    /// - Parameter skipsLonger: whether longer lines are skipped; if false, they throw.
    public init(
        _ path: String, lineBytesMax: Int = LineReader.lineBytesMax, skipsLonger: Bool = false
    ) throws(RetortError) {
        self.path = path
        self.lineBytesMax = lineBytesMax
        self.skipsLonger = skipsLonger
        descriptor = try RegularFile.openToRead(path).descriptor
    }

    deinit { close(descriptor) }

    /// The next line that is not empty, without its line feed; nil at the end. The last line may lack its line feed.
    public func next() throws(RetortError) -> (offset: Int, line: [UInt8])? {
        while true {
            if let end = lineFeed() {
                let found = (offset, isSkipping ? [] : Array(buffer[at..<end]))
                offset += end + 1 - at
                (at, searched, isSkipping) = (end + 1, end + 1, false)
                if found.1.isEmpty { continue }
                return found
            }
            if isAtEnd {
                guard at < buffer.count, !isSkipping else { return nil }
                let found = (offset, Array(buffer[at...]))
                offset += buffer.count - at
                (at, searched) = (buffer.count, buffer.count)
                return found
            }
            try fill()
        }
    }

    /// Searches each byte once, however long the line.
    private func lineFeed() -> Int? {
        let found = buffer.withUnsafeBytes { bytes -> Int? in
            guard searched < bytes.count, let start = bytes.baseAddress,
                let place = memchr(start + searched, 0x0A, bytes.count - searched)
            else { return nil }
            return UnsafeRawPointer(place) - start
        }
        if found == nil { searched = buffer.count }
        return found
    }

    private func fill() throws(RetortError) {
        buffer.removeFirst(at)
        searched -= at
        at = 0
        if buffer.count >= lineBytesMax || isSkipping {
            guard skipsLonger else {
                throw RetortError(.damagedData, "a line is longer than any result", at: path)
            }
            isSkipping = true
            offset += buffer.count
            buffer.removeAll(keepingCapacity: true)
            searched = 0
        }
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

/// Writes a file once, from start to end, and hashes its content.
public final class FileWriter {
    public let path: String
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    /// Of all pieces written so far.
    public private(set) var hash = Hash128(high: 0, low: 0)

    private static let bufferBytes = 1 << 20

    /// Creates the file and replaces an existing one.
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
