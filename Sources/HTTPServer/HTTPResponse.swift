/// The response to a request.
public struct HTTPResponse: Sendable {
    public enum Body: Sendable {
        case bytes([UInt8])
        /// `bytes` bytes of an open file descriptor, which is closed after sending.
        case file(Int32, bytes: Int)
        /// Sent in pieces as they come.
        case stream(PieceStream)
    }

    public var status: Int
    public var headers: [(name: String, value: String)]
    public var body: Body

    public init(status: Int = 200, contentType: String, headers: [(name: String, value: String)] = [], body: Body) {
        self.status = status
        self.headers = [("content-type", contentType)] + headers
        self.body = body
    }

    /// A text response, ended by a line feed.
    public static func text(_ status: Int, _ text: String, headers: [(name: String, value: String)] = [])
        -> HTTPResponse
    {
        HTTPResponse(
            status: status, contentType: "text/plain; charset=utf-8", headers: headers,
            body: .bytes(Array((text + "\n").utf8)))
    }

    public static func json(_ bytes: [UInt8], status: Int = 200) -> HTTPResponse {
        HTTPResponse(status: status, contentType: "application/json", body: .bytes(bytes))
    }
}
