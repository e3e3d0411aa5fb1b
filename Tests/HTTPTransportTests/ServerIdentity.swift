import Basics
import COpenSSL
import Glibc

/// A server's certificate for 127.0.0.1, created for a test by openssl, with what a client needs to trust it.
final class ServerIdentity: @unchecked Sendable {
    enum Kind {
        /// Trusted only if it is named itself.
        case selfSigned
        /// Self-signed, and expired.
        case expired
        /// Signed by an authority, whose certificate is `trusted`.
        case ofAuthority
    }

    /// One for all tests that need only a server with TLS; nil without openssl.
    static let shared = try? ServerIdentity()

    /// Speaks HTTP/1.1 only.
    let context: OpaquePointer
    private let directory: String

    /// A file with the certificate that signed it.
    var trusted: String { "\(directory)/trusted.pem" }
    /// The trusted certificate as a directory of hashed names.
    var trustedDirectory: String { "\(directory)/trusted" }

    init(_ kind: Kind = .selfSigned) throws(RetortError) {
        var template = Array("/tmp/retort-identity.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw .system(errno, "mkdtemp", "/tmp") }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // OpenSSL writes without MSG_NOSIGNAL; the program ignores the signal too.
        signal(SIGPIPE, SIG_IGN)
        context = SSL_CTX_new(TLS_server_method())
        switch kind {
        case .selfSigned: try makeSelfSigned("trusted")
        case .expired:
            try makeSelfSigned("fresh")
            // The certificate's last day is before its first.
            try openssl("x509", "-in", file("fresh"), "-signkey", file("key"), "-days", "-1", "-out", trusted)
        case .ofAuthority: try makeSigned()
        }
        let own = kind == .ofAuthority ? file("own") : trusted
        guard SSL_CTX_use_certificate_file(context, own, SSL_FILETYPE_PEM) == 1,
            SSL_CTX_use_PrivateKey_file(context, file("key"), SSL_FILETYPE_PEM) == 1
        else { throw RetortError(.io, "OpenSSL does not take its own certificate") }
    }

    /// For the next handshakes, in turn: whether to choose HTTP/2, although the server does not speak it.
    func chooseHTTP2(_ turns: [Bool]) {
        self.turns.withLock { $0 = turns[...] }
        SSL_CTX_set_alpn_select_cb(
            context,
            { _, choice, count, offered, offeredBytes, identity in
                let identity = Unmanaged<ServerIdentity>.fromOpaque(identity!).takeUnretainedValue()
                let wantsHTTP2 = identity.turns.withLock { $0.popFirst() } ?? false
                let wanted = Array((wantsHTTP2 ? "h2" : "http/1.1").utf8)
                var start = 0
                while start < Int(offeredBytes) {
                    let length = Int(offered![start])
                    if UnsafeBufferPointer(start: offered! + start + 1, count: length).elementsEqual(wanted) {
                        choice!.pointee = offered! + start + 1
                        count!.pointee = UInt8(length)
                        return SSL_TLSEXT_ERR_OK
                    }
                    start += 1 + length
                }
                return SSL_TLSEXT_ERR_NOACK
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private let turns = Locked<ArraySlice<Bool>>([])

    deinit {
        SSL_CTX_free(context)
        _ = run("rm", "-r", directory)
    }

    /// Stores the trusted certificate in the layout of `SSL_CERT_DIR`.
    func hash() throws(RetortError) {
        guard run("mkdir", trustedDirectory) == 0, run("cp", trusted, trustedDirectory) == 0 else {
            throw RetortError(.io, "no directory was made")
        }
        try openssl("rehash", trustedDirectory)
    }

    private func file(_ name: String) -> String { "\(directory)/\(name).pem" }

    private func makeSelfSigned(_ name: String) throws(RetortError) {
        try openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", file("key"), "-out",
            file(name))
    }

    private func makeSigned() throws(RetortError) {
        try openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=authority", "-keyout", file("authority"), "-out", trusted)
        try openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-addext",
            "basicConstraints=critical,CA:false", "-keyout", file("key"), "-CA", trusted, "-CAkey", file("authority"),
            "-out", file("own"))
    }

    private func openssl(_ arguments: String...) throws(RetortError) {
        guard runAll(["openssl"] + arguments) == 0 else { throw RetortError(.io, "openssl made no certificate") }
    }
}
