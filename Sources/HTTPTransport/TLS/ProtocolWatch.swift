/// Whether every TLS handshake so far has chosen HTTP/2. Confined to the loop.
///
/// A resumed session brings no certificate, with which the choice is noted: none may be resumed before the first server
/// has spoken HTTP/1.1.
final class ProtocolWatch {
    private(set) var hasMetHTTP1 = false
    /// Called once, within the handshake: before a byte of an answer is read.
    var onHTTP1: () -> Void = {}

    func metHTTP1() {
        guard !hasMetHTTP1 else { return }
        hasMetHTTP1 = true
        onHTTP1()
    }
}
