internal import Basics
internal import CCurl
internal import ModelAPI

/// An exchange made by libcurl: one easy handle with its buffers.
final class Transfer: Exchange {
    private(set) var easy: UnsafeMutableRawPointer
    private let address: OpaquePointer
    let settings: CurlSettings
    private unowned(unsafe) let route: CurlRoute
    unowned(unsafe) let pool: ExchangePool
    unowned(unsafe) let lane: Lane
    /// Where libcurl writes its error message.
    let errorText: UnsafeMutablePointer<CChar>

    var headers = ResponseHeaders()
    var response = BodyBuffer()
    /// The value of `Content-Encoding` in lower case. libcurl would accept a truncated body as complete.
    var contentEncoding = ""
    /// Why a callback stopped the transfer.
    var isTooLarge = false
    /// Whether a status line names another version than the connection's.
    var isWrongVersion = false
    /// Status lines of this exchange.
    var statusLines = 0
    private var requestBody: [UInt8] = []
    private var path = ""
    /// The headers of a request that has some of its own.
    private var ownHeaders: UnsafeMutablePointer<curl_slist>?
    private var isHandleUsed = false
    /// Whether the path is valid.
    private(set) var isPossible = true

    init(_ route: CurlRoute, _ pool: ExchangePool, _ lane: Lane, _ settings: CurlSettings) {
        guard let easy = curl_easy_init(), let address = curl_url() else { fatalError("out of memory") }
        self.easy = easy
        self.address = address
        self.settings = settings
        self.route = route
        self.pool = pool
        self.lane = lane
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        super.init()
        settings.applyExchange(to: easy)
        installCallbacks()
    }

    /// The last use, on the loop: `deinit` may run on any thread.
    func close() {
        curl_easy_cleanup(easy)
        curl_url_cleanup(address)
        curl_slist_free_all(ownHeaders)
        ownHeaders = nil
    }

    deinit {
        errorText.deallocate()
    }

    /// All status lines except the last one are interim.
    var hasTooManyInterim: Bool { statusLines > ExchangeLimits.interimAnswersMax + 1 }

    var responseBytesMax: Int { settings.limits.responseBytesMax }

    override func prepare(_ request: ModelRequest) {
        super.prepare(request)
        renew()
        isHandleUsed = true
        isTooLarge = false
        isWrongVersion = false
        statusLines = 0
        errorText[0] = 0
        requestBody = request.body
        // libcurl reads the body in place: an array's elements do not move while the array is held unchanged.
        if ownHeaders != nil || !request.headers.isEmpty {
            let earlier = ownHeaders
            ownHeaders = settings.apply(headers: request.headers, to: easy)
            curl_slist_free_all(earlier)
        }
        let method = requestBody.isEmpty ? CURLOPT_HTTPGET : CURLOPT_POST
        _ = retort_easy_set_long(easy, method, 1)
        requestBody.withUnsafeBytes { bytes in
            if bytes.isEmpty { return }
            _ = retort_easy_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count))
            _ = retort_easy_set_pointer(easy, CURLOPT_POSTFIELDS, bytes.baseAddress)
        }
        if path != request.path {
            path = request.path
            // A handle rather than a text, which would be parsed again for every exchange.
            isPossible = curl_url_set(address, CURLUPART_URL, settings.baseURL.joined(path), 0) == CURLUE_OK
            _ = retort_easy_set_pointer(easy, CURLOPT_CURLU, UnsafeRawPointer(address))
        }
    }

    func applyProtocol() { settings.applyProtocol(to: easy) }

    /// Creates a new handle unless HTTP/2 frames the headers. libcurl 7.88 keeps a pointer to the last header of the
    /// previous answer, whose memory is freed, and follows it when the next answer begins with a folded line.
    private func renew() {
        guard isHandleUsed, !settings.sharesConnections else { return }
        curl_easy_cleanup(easy)
        guard let fresh = curl_easy_init() else { fatalError("out of memory") }
        easy = fresh
        isHandleUsed = false
        settings.applyExchange(to: easy)
        installCallbacks()
        if !path.isEmpty { _ = retort_easy_set_pointer(easy, CURLOPT_CURLU, UnsafeRawPointer(address)) }
    }

    override func begin() { route.begin(self) }

    override func abandon() { lane.remove(easy) }

    override func reset() {
        super.reset()
        requestBody = []
        response.clear()
        headers.clear()
        contentEncoding = ""
    }

    /// The whole body, decompressed.
    func takeBody() throws(BodyDecoder.Fault) -> [UInt8] {
        try BodyDecoder.decode(response.take(), contentEncoding, bytesMax: responseBytesMax)
    }

    var status: Int {
        var status = 0
        _ = retort_easy_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
        return status
    }

    /// Connections opened by this exchange: 0 if it used an existing one.
    var connectionsOpened: Int {
        var count = 0
        _ = retort_easy_get_long(easy, CURLINFO_NUM_CONNECTS, &count)
        return count
    }
}
