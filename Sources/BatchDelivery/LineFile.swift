public import Basics
internal import Glibc

/// Lines of a file, read in pieces: memory is one line and one piece. Used by one thread.
public final class LineReader {
    private let path: String
    private let descriptor: Int32
    private let lineBytesMax: Int
    private let skipsLonger: Bool
    private var buffer: [UInt8] = []
    private var piece = [UInt8](repeating: 0, count: pieceBytes)
    private var at = 0
    /// Up to here the buffer holds no line feed behind `at`.
    private var searched = 0
    /// Of the next line in the file.
    public private(set) var offset = 0
    private var isAtEnd = false
    /// The beginning of the line was longer than any, and is gone.
    private var isSkipping = false

    private static let pieceBytes = 1 << 20
    /// In bytes: a request is no longer.
    public static let lineBytesMax = 256 << 20
    /// In bytes: a longer answer is refused in a live run, too.
    public static let resultBytesMax = 64 << 20

    /// - Parameter skipsLonger: whether longer lines are left out; otherwise they throw.
    public init(
        _ path: String, lineBytesMax: Int = LineReader.lineBytesMax, skipsLonger: Bool = false
    ) throws(RetortError) {
        self.path = path
        self.lineBytesMax = lineBytesMax
        self.skipsLonger = skipsLonger
        descriptor = try RegularFile.openToRead(path).descriptor
    }

    deinit { close(descriptor) }

    /// The next line, without its line feed, empty ones left out; nil at the end. The last one may lack its line feed.
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

    /// Each byte is looked at once, however long the line.
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
