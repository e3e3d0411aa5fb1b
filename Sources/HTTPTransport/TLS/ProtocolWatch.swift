/// Which HTTP a server over TLS speaks, as far as its handshakes have told. Confined to the loop.
///
/// libcurl believes a status line that says HTTP/2, even on a connection of HTTP/1.1, and would put several exchanges
/// there at once. So it has connections of HTTP/2 alone, and HTTP/1.1 is left to our own route (`leavesHTTP1`); what
/// only libcurl can do (see `Configuration.isOurs`) it does with one exchange per connection as soon as one handshake
/// has chosen HTTP/1.1.
///
/// A resumed session brings no certificate, with which libcurl's choice is noted: it may resume none before that.
final class ProtocolWatch: @unchecked Sendable {
    enum Finding {
        case nothing
        case http2
        /// For good: HTTP/2 is not offered any more.
        case http1
    }

    private(set) var found = Finding.nothing
    /// Whether a handshake of libcurl's that chooses HTTP/1.1 is to fail, and its exchange to go over our own route.
    let leavesHTTP1: Bool
    /// Called once, within the handshake: before a byte of an answer is read.
    var onHTTP1: () -> Void = {}

    init(leavesHTTP1: Bool) { self.leavesHTTP1 = leavesHTTP1 }

    func metHTTP2() {
        if found == .nothing { found = .http2 }
    }

    func metHTTP1() {
        guard found != .http1 else { return }
        found = .http1
        onHTTP1()
    }

    var hasMetHTTP1: Bool { found == .http1 }
}
