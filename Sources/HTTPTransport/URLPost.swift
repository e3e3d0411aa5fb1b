public import Basics
public import ModelAPI

/// Posts bytes to one address. For reports to other programs: few, short, and never on the loop's thread.
public final class URLPost: Sendable {
    private let transport: BulkTransport
    private let contentType: String

    /// - Parameters:
    ///   - url: `http://` or `https://`, used unchanged.
    ///   - headers: sent with each request.
    ///   - timeout: for a whole exchange.
    ///
    /// Throws `.configuration` for an invalid address, and for certificates that cannot be read.
    public init(
        _ url: String, contentType: String = "application/json", headers: [(name: String, value: String)] = [],
        userAgent: String, timeout: Interval, network: TransportNetwork
    ) throws(RetortError) {
        self.contentType = contentType
        var configuration = TransportConfiguration(
            baseURL: url, headers: headers, userAgent: userAgent, network: network)
        configuration.timeouts.total = timeout
        configuration.timeouts.connect = min(configuration.timeouts.connect, timeout)
        configuration.timeouts.firstByte = timeout
        transport = try BulkTransport(configuration, address: url)
    }

    /// Blocks until the exchange is over. Any thread; one exchange at a time.
    public func send(_ body: [UInt8]) -> Result<ModelReply, TransportFailure> {
        transport.sendNow(BulkCall("POST", "", contentType: contentType, body: .bytes(body)))
    }

    /// Ends the current exchange, and all later ones.
    public func cancel() { transport.cancel() }
}
