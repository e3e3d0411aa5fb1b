internal import Basics
internal import CCurl

/// An easy handle that opens connections, one after another, and sends nothing: libcurl resolves the name and tries its
/// addresses. Confined to the loop.
final class Connector {
    let easy: UnsafeMutableRawPointer
    /// Where libcurl writes its error message.
    let errorText: UnsafeMutablePointer<CChar>
    /// When it was last started.
    private(set) var started = Instant(nanoseconds: 0)

    init(_ lane: Lane, _ settings: CurlSettings) {
        guard let easy = curl_easy_init() else { fatalError("out of memory") }
        self.easy = easy
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        settings.applyConnectOnly(to: easy)
        lane.installSocketCallbacks(on: easy)
        _ = retort_easy_set_pointer(easy, CURLOPT_URL, settings.baseURL.clearTextAddress)
        _ = retort_easy_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText)
        _ = retort_easy_set_pointer(easy, CURLOPT_PRIVATE, Unmanaged.passUnretained(self).toOpaque())
    }

    func begin(_ lane: Lane) {
        errorText[0] = 0
        started = lane.loop.turnStart
        lane.add(easy)
    }

    /// The last use, on the loop: `deinit` may run on any thread.
    func close() {
        curl_easy_cleanup(easy)
    }

    deinit {
        errorText.deallocate()
    }
}
