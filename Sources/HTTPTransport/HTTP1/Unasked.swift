/// Bytes that a server has sent although no request was open.
enum Unasked {
    case nothing
    /// The connection has ended, or will be closed; the server has not lost count.
    case end
    /// The server has lost count of requests and answers.
    case disorder

    /// Classifies the bytes. Two things are harmless: line breaks, which some servers send after a body, and the notice
    /// that a connection was idle for too long (408), which precedes its end.
    init(_ bytes: UnsafeRawBufferPointer) {
        let isHarmless = bytes.allSatisfy { $0 == 0x0D || $0 == 0x0A } || Unasked.isTimeoutNotice(bytes)
        self = isHarmless ? .end : .disorder
    }

    private static func isTimeoutNotice(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let start = "HTTP/1.".utf8
        return bytes.starts(with: start) && bytes.dropFirst(start.count + 1).starts(with: " 408".utf8)
    }
}
