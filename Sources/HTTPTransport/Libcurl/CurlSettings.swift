internal import Basics
internal import CCurl

/// The configuration in libcurl's terms, built once and applied to every handle. Confined to the loop after `init`.
final class CurlSettings: @unchecked Sendable {
    let baseURL: BaseURL
    let limits: ExchangeLimits
    let laneTransfersMax: Int
    private let network: TransportNetwork
    let trust: TrustStore?
    let watch: ProtocolWatch
    /// Maximum connections of a lane; 0: unlimited. With a limit there is one lane.
    let connectionsMax: Int
    private let headerList: UnsafeMutablePointer<curl_slist>?
    private let requestHeaders: [(name: String, value: String)]
    /// Name lookups and TLS sessions shared by all lanes. Used by one thread, so it needs no locks.
    private let share: OpaquePointer

    /// `curl_global_init` must run once, before anything else.
    private static let library: Void = {
        precondition(curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK, "curl_global_init failed")
    }()

    init(_ configuration: TransportConfiguration) throws(RetortError) {
        _ = CurlSettings.library
        try configuration.validate()
        try configuration.network.validate()
        baseURL = try BaseURL(configuration.baseURL)
        limits = ExchangeLimits(
            authority: baseURL.authority, timeouts: configuration.timeouts,
            responseBytesMax: configuration.responseBytesMax)
        connectionsMax = configuration.connectionsMax ?? 0
        laneTransfersMax =
            configuration.connectionsMax == nil
            ? configuration.laneTransfersMax ?? CurlSettings.laneTransfersMax(secure: baseURL.isSecure)
            : CurlSettings.laneTransfersMaxLimited
        network = configuration.network
        trust = baseURL.isSecure ? try TrustStore(network) : nil
        watch = ProtocolWatch(leavesHTTP1: baseURL.isSecure && configuration.isOurs(baseURL))
        requestHeaders = configuration.requestHeaders
        headerList = CurlSettings.list(requestHeaders)
        guard let share = curl_share_init() else { fatalError("out of memory") }
        _ = retort_share_data(share, CURL_LOCK_DATA_DNS)
        _ = retort_share_data(share, CURL_LOCK_DATA_SSL_SESSION)
        self.share = OpaquePointer(share)
    }

    /// For the one lane with a limit of connections: effectively unlimited.
    private static let laneTransfersMaxLimited = 1 << 20

    private static func laneTransfersMax(secure: Bool) -> Int {
        typealias Configuration = TransportConfiguration
        return secure ? Configuration.laneTransfersMaxSecure : Configuration.laneTransfersMaxPlain
    }

    deinit {
        curl_slist_free_all(headerList)
        curl_share_cleanup(UnsafeMutableRawPointer(share))
    }

    /// Whether several exchanges may share a connection: over TLS, as long as every handshake has chosen HTTP/2.
    var sharesConnections: Bool { baseURL.isSecure && !watch.hasMetHTTP1 }

    /// Settings that may have changed since the handle was created.
    func applyProtocol(to easy: UnsafeMutableRawPointer) {
        let isHTTP2Possible = sharesConnections
        set(easy, CURLOPT_HTTP_VERSION, Int(isHTTP2Possible ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1))
        // Waits for a connection that may turn out to be multiplexed, instead of one handshake per exchange.
        set(easy, CURLOPT_PIPEWAIT, isHTTP2Possible ? 1 : 0)
        // A resumed session has no certificate, with which the protocol is noted.
        set(easy, CURLOPT_SSL_SESSIONID_CACHE, isHTTP2Possible || watch.leavesHTTP1 ? 0 : 1)
    }

    /// For a handle that makes whole exchanges.
    func applyExchange(to easy: UnsafeMutableRawPointer) {
        applyRequest(easy)
        applyConnection(easy)
        applyTrust(easy)
    }

    /// Sets the common headers and the request's own on a handle; nil if it has none. The caller owns the list.
    func apply(
        headers: [(name: String, value: String)], to easy: UnsafeMutableRawPointer
    ) -> UnsafeMutablePointer<curl_slist>? {
        let own = headers.isEmpty ? nil : CurlSettings.list(requestHeaders + headers)
        _ = retort_easy_set_pointer(easy, CURLOPT_HTTPHEADER, own ?? headerList)
        return own
    }

    /// For a handle that opens connections without TLS and hands them over. For TLS it uses a tunnel if there is a
    /// proxy.
    func applyConnectOnly(to easy: UnsafeMutableRawPointer) {
        set(easy, CURLOPT_CONNECT_ONLY, 1)
        applyConnection(easy)
        set(easy, CURLOPT_HTTPPROXYTUNNEL, baseURL.isSecure ? 1 : 0)
        set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        // Nothing is read through it.
        set(easy, CURLOPT_BUFFERSIZE, 1024)
    }

    private func applyRequest(_ easy: UnsafeMutableRawPointer) {
        set(easy, CURLOPT_POST, 1)
        _ = retort_easy_set_pointer(easy, CURLOPT_HTTPHEADER, headerList)
        set(easy, CURLOPT_FOLLOWLOCATION, 0)
        set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        _ = retort_easy_set_offset(easy, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(limits.responseBytesMax))
    }

    private func applyConnection(_ easy: UnsafeMutableRawPointer) {
        set(easy, CURLOPT_NOSIGNAL, 1)
        _ = retort_easy_set_pointer(easy, CURLOPT_PROTOCOLS_STR, "http,https")
        applyProtocol(to: easy)
        set(easy, CURLOPT_TCP_NODELAY, 1)
        set(easy, CURLOPT_TCP_KEEPALIVE, 1)
        set(easy, CURLOPT_CONNECTTIMEOUT_MS, max(1, Int(limits.timeouts.connect.milliseconds)))
        set(easy, CURLOPT_DNS_CACHE_TIMEOUT, CurlSettings.lookupSecondsMax)
        // Removing a transfer must not wait for its name lookup, which runs on its own thread.
        set(easy, CURLOPT_QUICK_EXIT, 1)
        _ = retort_easy_set_pointer(easy, CURLOPT_SHARE, UnsafeRawPointer(share))
        // The empty string: no proxy, and no lookup in the environment for each transfer.
        _ = retort_easy_set_pointer(easy, CURLOPT_PROXY, network.proxy(secure: baseURL.isSecure) ?? "")
        _ = retort_easy_set_pointer(easy, CURLOPT_NOPROXY, network.noProxy ?? "")
    }

    private func applyTrust(_ easy: UnsafeMutableRawPointer) {
        set(easy, CURLOPT_SSL_VERIFYPEER, 1)
        set(easy, CURLOPT_SSL_VERIFYHOST, 2)
        if let file = network.certificateFile {
            _ = retort_easy_set_pointer(easy, CURLOPT_CAINFO, file)
            _ = retort_easy_set_pointer(easy, CURLOPT_PROXY_CAINFO, file)
        }
        if let directory = network.certificateDirectory {
            _ = retort_easy_set_pointer(easy, CURLOPT_CAPATH, directory)
            _ = retort_easy_set_pointer(easy, CURLOPT_PROXY_CAPATH, directory)
        }
        shareTrust(easy)
    }

    /// One store of parsed certificates for all connections; libcurl would parse the files for each.
    private func shareTrust(_ easy: UnsafeMutableRawPointer) {
        guard trust != nil else { return }
        let status = retort_easy_set_tls(
            easy,
            { _, context, settings in
                Unmanaged<CurlSettings>.fromOpaque(settings!)._withUnsafeGuaranteedRef { $0.configureTLS(context) }
                return CURLE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
        precondition(status == CURLE_OK, "libcurl was built without OpenSSL")
        _ = retort_easy_set_pointer(easy, CURLOPT_CAINFO, nil)
        _ = retort_easy_set_pointer(easy, CURLOPT_CAPATH, nil)
    }

    private func configureTLS(_ context: UnsafeMutableRawPointer?) {
        guard let trust, let context else { return }
        trust.share(with: context, watch)
    }

    /// How long a resolved address is used for new connections.
    private static let lookupSecondsMax = 300

    private func set(_ easy: UnsafeMutableRawPointer, _ option: CURLoption, _ value: Int) {
        _ = retort_easy_set_long(easy, option, value)
    }

    /// libcurl composes a header of its own byte by byte, twice, and one from this list once: so all are listed here.
    private static func list(_ headers: [(name: String, value: String)]) -> UnsafeMutablePointer<curl_slist>? {
        // A name without a value removes the header that libcurl would send itself.
        var lines = ["Expect:"]
        // libcurl requires a semicolon for an empty value.
        lines += headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
        return lines.reduce(nil) { list, line in
            guard let longer = curl_slist_append(list, line) else { fatalError("out of memory") }
            return longer
        }
    }
}
