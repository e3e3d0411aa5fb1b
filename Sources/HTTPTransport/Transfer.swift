internal import Basics
internal import CCurl
internal import ModelAPI

/// One easy handle with its buffers, used for one exchange after another. Confined to the loop.
final class Transfer {
    /// Names one exchange of a transfer; opened on the loop only.
    struct Ticket: @unchecked Sendable, Equatable {
        let transfer: Transfer
        let exchange: UInt64

        static func == (a: Ticket, b: Ticket) -> Bool { a.transfer === b.transfer && a.exchange == b.exchange }
    }

    typealias Waiter = UnsafeContinuation<Result<ModelReply, TransportFailure>, Never>

    let easy: UnsafeMutableRawPointer
    private let address: OpaquePointer
    unowned(unsafe) let lane: Lane
    /// Where libcurl writes its words about an error.
    let errorText: UnsafeMutablePointer<CChar>
    let responseBytesMax: Int

    /// Counts the exchanges, so that a late cancellation does not hit the next one.
    var exchange: UInt64 = 0
    var waiter: Waiter?
    var progress = Progress(started: Instant(nanoseconds: 0))
    var headers = ResponseHeaders()
    var response = BodyBuffer()
    /// The reason why a callback stopped the transfer.
    var refusal: TransportFailure.Kind?
    /// Place among the transfers in flight.
    var position = 0
    private var requestBody: [UInt8] = []
    private var path = ""

    init(lane: Lane, settings: CurlSettings) {
        guard let easy = curl_easy_init(), let address = curl_url() else { fatalError("out of memory") }
        self.easy = easy
        self.address = address
        self.lane = lane
        responseBytesMax = settings.responseBytesMax
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        settings.apply(to: easy)
        installCallbacks()
    }

    /// The last use, on the loop: `deinit` may run anywhere.
    func close() {
        curl_easy_cleanup(easy)
        curl_url_cleanup(address)
    }

    deinit {
        errorText.deallocate()
    }

    /// Makes the handle ready for a request; the lane must then take it in.
    func prepare(_ request: ModelRequest, _ settings: CurlSettings) -> Ticket {
        exchange &+= 1
        progress = Progress(started: .now)
        refusal = nil
        errorText[0] = 0
        requestBody = request.body
        // libcurl reads the body in place: an array's elements do not move while the array is held unchanged.
        requestBody.withUnsafeBytes { bytes in
            _ = retort_easy_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count))
            _ = retort_easy_set_pointer(easy, CURLOPT_POSTFIELDS, bytes.baseAddress)
        }
        if path != request.path {
            path = request.path
            // A handle rather than a text, because that would be read anew for every exchange.
            curl_url_set(address, CURLUPART_URL, settings.baseURL.joined(path), 0)
            _ = retort_easy_set_pointer(easy, CURLOPT_CURLU, UnsafeRawPointer(address))
        }
        return ticket
    }

    /// The exchange that is in flight.
    var ticket: Ticket { Ticket(transfer: self, exchange: exchange) }

    /// Drops what belongs to the exchange that has ended.
    func reset() {
        requestBody = []
        response.clear()
        _ = headers.take()
        waiter = nil
    }

    var status: Int {
        var status = 0
        _ = retort_easy_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
        return status
    }

    /// Connections that this exchange opened: 0 when it used one that stood.
    var connectionsOpened: Int {
        var count = 0
        _ = retort_easy_get_long(easy, CURLINFO_NUM_CONNECTS, &count)
        return count
    }

    /// The `errno` of a connection that failed, or 0.
    var systemError: Int32 {
        var number = 0
        _ = retort_easy_get_long(easy, CURLINFO_OS_ERRNO, &number)
        return Int32(truncatingIfNeeded: number)
    }
}
