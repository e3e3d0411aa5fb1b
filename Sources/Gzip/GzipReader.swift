public import Basics
internal import CZlib

/// Decompresses any gzip file (RFC 1952) as a stream: several members, every optional header field, zero padding after
/// the last member. Memory is constant. Not thread-safe; `read` blocks as long as its source does.
///
/// From a truncated or damaged file it first returns every byte that could be decompressed, then throws. Bytes of a
/// damaged member are returned before its checksum is reached: only a clean end proves them.
public final class GzipReader {
    /// Fills a buffer with compressed bytes and returns how many; 0 at the end. Called again only after more than 0.
    public typealias Source = (UnsafeMutableRawBufferPointer) throws(RetortError) -> Int

    /// Bytes requested from the source at a time.
    public static let chunkBytes = 256 * 1024

    /// The first two bytes of every member.
    public static let magic: [UInt8] = [0x1F, 0x8B]

    private enum State {
        /// Before a member: the file's first byte, or right behind a member.
        case between
        case inside
        /// After the last member, where only zeros may follow.
        case padding
        case ended
        case failed(RetortError)
    }

    private let name: String
    private let source: Source
    private let stream: UnsafeMutablePointer<z_stream>
    private let input: UnsafeMutableRawBufferPointer
    private var state = State.between
    private var sourceEnded = false
    private var unread = 0..<0

    /// Compressed bytes consumed so far. After an error: the file offset at which it was noticed.
    public private(set) var compressedOffset: UInt64 = 0
    /// Decompressed bytes returned so far. After an error: where the good bytes end.
    public private(set) var decompressedOffset: UInt64 = 0

    /// `name` is what errors call the file.
    public init(name: String, source: @escaping Source) {
        self.name = name
        self.source = source
        input = .allocate(byteCount: GzipReader.chunkBytes, alignment: 16)
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 bits of window, and 16 for the gzip wrapper alone.
        guard retort_inflate_init(stream, 15 + 16) == Z_OK else { fatalError("out of memory") }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        input.deallocate()
    }

    /// Fills `output` with decompressed bytes and returns how many, at least one; 0 at the end of the last member.
    /// Throws `.damagedData` where the file is truncated or damaged, and whatever the source throws; every later call
    /// throws the same error.
    public func read(into output: UnsafeMutableRawBufferPointer) throws(RetortError) -> Int {
        precondition(!output.isEmpty, "a read needs room")
        while true {
            switch state {
            case .failed(let error): throw error
            case .ended: return 0
            case .between: try beginMember()
            case .padding: try skipPadding()
            case .inside:
                let produced = try inflateSome(into: output)
                if produced > 0 { return produced }
            }
        }
    }

    private func beginMember() throws(RetortError) {
        try refill()
        let isFirst = compressedOffset == 0
        if unread.isEmpty {
            if isFirst { try fail("the gzip file is empty", "a gzip file has at least 18 bytes") }
            state = .ended
        } else if input[unread.lowerBound] == GzipReader.magic[0] {
            inflateReset(stream)
            state = .inside
        } else if input[unread.lowerBound] == 0 && !isFirst {
            state = .padding
        } else {
            try fail("not gzip data", isFirst ? "the first byte is not 0x1f" : "something follows the last member")
        }
    }

    private func skipPadding() throws(RetortError) {
        let zeros = input[unread].prefix { $0 == 0 }.count
        unread = unread.lowerBound + zeros..<unread.upperBound
        compressedOffset += UInt64(zeros)
        if !unread.isEmpty { try fail("not gzip data", "something follows the zeros behind the last member") }
        try refill()
        if unread.isEmpty { state = .ended }
    }

    private func inflateSome(into output: UnsafeMutableRawBufferPointer) throws(RetortError) -> Int {
        try refill()
        let room = min(output.count, Int(UInt32.max))
        stream.pointee.next_in = input.baseAddress!.advanced(by: unread.lowerBound).assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_in = UInt32(unread.count)
        stream.pointee.next_out = output.baseAddress!.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(room)
        let wasEmpty = unread.isEmpty
        let status = inflate(stream, Z_NO_FLUSH)
        let consumed = unread.count - Int(stream.pointee.avail_in)
        let produced = room - Int(stream.pointee.avail_out)
        unread = unread.lowerBound + consumed..<unread.upperBound
        compressedOffset += UInt64(consumed)
        decompressedOffset += UInt64(produced)
        switch status {
        case Z_STREAM_END: state = .between
        case Z_OK, Z_BUF_ERROR:
            if wasEmpty && produced == 0 {
                try fail("the gzip file is cut", "it ends in the middle of a member")
            }
        default:
            // The bytes before the damage are returned first; the next call throws.
            let cause = stream.pointee.msg.map { String(cString: $0) } ?? "zlib's status \(status)"
            state = .failed(error("the gzip data is damaged", cause))
        }
        return produced
    }

    private func refill() throws(RetortError) {
        guard unread.isEmpty, !sourceEnded else { return }
        do {
            let count = try source(input)
            unread = 0..<count
            sourceEnded = count == 0
        } catch {
            state = .failed(error)
            throw error
        }
    }

    private func fail(_ message: String, _ cause: String) throws(RetortError) {
        let error = error(message, cause)
        state = .failed(error)
        throw error
    }

    private func error(_ message: String, _ cause: String) -> RetortError {
        RetortError(
            .damagedData, message, at: name,
            cause: "\(cause) (compressed byte \(compressedOffset), decompressed byte \(decompressedOffset))",
            remedy: "Everything before that byte was read.")
    }
}
