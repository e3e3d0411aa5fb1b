internal import Basics
internal import CHTTPParser
internal import Glibc
internal import ModelAPI

/// Parses one answer after another from a connection's bytes. http_parser does the framing (RFC 9112). Confined to the
/// loop.
final class ResponseReader {
    enum Outcome: Equatable {
        /// The answer is not complete.
        case more
        /// The answer is complete; whether the connection may carry another exchange, and how many of the bytes are
        /// after the answer's end.
        case complete(isKept: Bool, rest: Int)
        /// The connection ended before the answer's first byte.
        case nothing
        /// The connection ended in the middle of the answer.
        case cut(String)
        case malformed(String)
        case tooLarge
    }

    private let parser: UnsafeMutablePointer<http_parser>
    private let bodyBytesMax: Int
    private var headers = HeaderCollector()
    private var body: [UInt8] = []
    private var isComplete = false
    private var isKept = false
    private var isTooLarge = false
    private var interimAnswers = 0
    /// A status below 100, or a header that begins with a space, both of which http_parser accepts.
    private var isBadHead = false
    /// Whether a byte of the answer has arrived.
    private(set) var hasBegun = false
    private(set) var status = 0
    /// Receives the body while it arrives.
    private var tap: (any BodyTap)?

    init(bodyBytesMax: Int) {
        self.bodyBytesMax = bodyBytesMax
        parser = .allocate(capacity: 1)
        parser.initialize(to: http_parser())
        parser.pointee.data = Unmanaged.passUnretained(self).toOpaque()
    }

    deinit {
        parser.deallocate()
    }

    /// Prepares for the next answer.
    func begin(_ tap: (any BodyTap)? = nil) {
        self.tap = tap
        retort_parser_begin(parser)
        headers.clear()
        body = []
        isComplete = false
        isTooLarge = false
        interimAnswers = 0
        isBadHead = false
        hasBegun = false
        status = 0
    }

    /// Takes bytes as they come.
    func read(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        hasBegun = true
        let taken = http_parser_execute(
            parser, ResponseReader.callbacks, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        if isComplete { return .complete(isKept: isKept, rest: bytes.count - taken) }
        if isTooLarge { return .tooLarge }
        if hasTooManyInterim { return .malformed(ExchangeLimits.tooManyInterim) }
        if isBadHead { return .malformed("not HTTP: invalid status or header name") }
        let error = retort_parser_error(parser)
        return error == HPE_OK ? .more : .malformed("not HTTP: \(String(cString: http_errno_description(error)))")
    }

    /// The connection has ended, which ends some answers. `isProven`: not by a third party.
    func end(isProven: Bool = true) -> Outcome {
        guard hasBegun else { return .nothing }
        http_parser_execute(parser, ResponseReader.callbacks, nil, 0)
        guard isComplete else { return .cut(whatIsMissing) }
        return isProven ? .complete(isKept: false, rest: 0) : .cut("TLS was not closed, so its end is not certain")
    }

    /// A hash of the undecoded body and the status.
    var bodyHash: UInt64 {
        // Not the status as a seed: seeded hashes of longer texts cost more.
        body.withUnsafeBytes { ContentHash.hash64($0) } ^ UInt64(truncatingIfNeeded: status) &* 0x9E37_79B9_7F4A_7C15
    }

    /// The whole body, decompressed. Throws a `BodyDecoder.Fault`.
    func takeBody() throws(BodyDecoder.Fault) -> [UInt8] {
        let taken = body
        body = []
        return try BodyDecoder.decode(taken, headers.contentEncoding, bytesMax: bodyBytesMax)
    }

    func takeHeaders() -> [(name: String, value: String)] { headers.take() }

    private var whatIsMissing: String {
        if status == 0 { return "its headers are not complete" }
        if retort_parser_is_chunked(parser) != 0 { return "its last chunk is missing" }
        return "\(parser.pointee.content_length) bytes are missing"
    }

    // MARK: From the parser

    /// The parser cannot hold a closure: its `data` is the reader.
    nonisolated(unsafe) private static let callbacks: UnsafePointer<http_parser_settings> = {
        let settings = UnsafeMutablePointer<http_parser_settings>.allocate(capacity: 1)
        http_parser_settings_init(settings)
        settings.pointee.on_header_field = { parser, text, count in
            ResponseReader.with(parser) { $0.headerName(UnsafeRawBufferPointer(start: text, count: count)) }
        }
        settings.pointee.on_header_value = { parser, text, count in
            ResponseReader.with(parser) { $0.headers.value(UnsafeRawBufferPointer(start: text, count: count)) }
        }
        settings.pointee.on_headers_complete = { parser in
            let status = ResponseReader.with(parser) { $0.headersAreComplete() }
            return status == 0 && retort_parser_has_no_body(parser) != 0 ? 1 : status
        }
        settings.pointee.on_body = { parser, bytes, count in
            ResponseReader.with(parser) { $0.append(UnsafeRawBufferPointer(start: bytes, count: count)) }
        }
        settings.pointee.on_message_complete = { parser in ResponseReader.with(parser) { $0.messageIsComplete() } }
        return UnsafePointer(settings)
    }()

    private static func with(_ parser: UnsafeMutablePointer<http_parser>?, _ body: (ResponseReader) -> Void) -> Int32 {
        Unmanaged<ResponseReader>.fromOpaque(parser!.pointee.data)._withUnsafeGuaranteedRef { reader in
            body(reader)
            return reader.isTooLarge || reader.hasTooManyInterim || reader.isBadHead ? -1 : 0
        }
    }

    private func headerName(_ piece: UnsafeRawBufferPointer) {
        if headers.isBetweenHeaders, piece.first == 0x20 { isBadHead = true }
        headers.name(piece)
    }

    private func headersAreComplete() {
        headers.end()
        status = Int(retort_parser_status(parser))
        isBadHead = isBadHead || status < 100
        guard retort_parser_has_length(parser) != 0, retort_parser_is_chunked(parser) == 0 else { return }
        let announced = parser.pointee.content_length
        isTooLarge = announced > UInt64(bodyBytesMax)
        // An announced length is not trusted with more memory than a usual body needs.
        if !isTooLarge { body.reserveCapacity(min(Int(announced), ResponseReader.reservedBytesMax)) }
    }

    private func append(_ bytes: UnsafeRawBufferPointer) {
        isTooLarge = body.count + bytes.count > bodyBytesMax
        guard !isTooLarge else { return }
        body.append(contentsOf: bytes)
        if let tap, headers.contentEncoding.isEmpty { tap.received(bytes, status: status) }
    }

    private func messageIsComplete() {
        headers.end()
        if isInterim {
            headers.clear()
            status = 0
            interimAnswers += 1
        } else {
            isComplete = true
            isKept = http_should_keep_alive(parser) != 0 && status != 101
            http_parser_pause(parser, 1)
        }
    }

    /// 1xx responses precede the final one (RFC 9110, 15.2). 101 was never requested.
    private var isInterim: Bool { (100...199).contains(status) && status != 101 }

    private var hasTooManyInterim: Bool { interimAnswers > ExchangeLimits.interimAnswersMax }

    /// Maximum memory reserved for a body before it arrives.
    private static let reservedBytesMax = 64 << 10
}
