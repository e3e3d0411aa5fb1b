/// Which HTTP version a server speaks over TLS, as far as its handshakes have shown. Confined to the loop.
///
/// libcurl believes a status line that says HTTP/2, even on an HTTP/1.1 connection, and would then put several
/// exchanges on it at once. So it gets only HTTP/2 connections, and HTTP/1.1 uses our own route (`leavesHTTP1`). For
/// features that only libcurl has (see `Configuration.isOurs`) it uses one exchange per connection as soon as one
/// handshake has chosen HTTP/1.1.
///
/// A resumed session has no certificate, with which libcurl's choice is noted, so libcurl may resume none before that.
final class ProtocolWatch: @unchecked Sendable {
    enum Finding {
        case nothing
        case http2
        /// Permanently: HTTP/2 is not offered any more.
        case http1
    }

    private(set) var found = Finding.nothing
    /// Whether a handshake of libcurl that chooses HTTP/1.1 fails, so that its exchange moves to our own route.
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
