internal import Basics
internal import ModelAPI

/// How long a server that serves no request is waited for, and what is said of it.
extension Dispatcher {
    /// Failed probes after which a cause that waiting cannot change ends the run.
    static let hopelessProbesMax = 3

    /// How long the outage will still be waited for; nil when there is none.
    func outageLeft(at now: Instant) -> Interval? { downSince.map { max(.zero, outageMax - (now - $0)) } }

    /// Since when no server serves.
    private var downSince: Instant? { router == nil ? breaker.downSince : router?.outage?.since }
    private var trouble: CircuitBreaker.Trouble { router?.outage?.trouble ?? breaker.trouble }
    private var hopelessProbes: Int { router == nil ? breaker.hopelessProbes : router?.outage?.hopelessProbes ?? 0 }

    mutating func checkOutage(at now: Instant) {
        guard window.phase == .open, !isPaused, let since = downSince else { return }
        if hopelessProbes >= Self.hopelessProbesMax { return stop(with: hopeless) }
        if now - since >= outageMax { stop(with: outage(of: now - since)) }
    }

    /// Whether waiting can change nothing: an address that has never led to a server, or to one that speaks something
    /// else. A name that once was known may be so again.
    func isHopeless(_ failure: TransportFailure?) -> Bool {
        guard let failure, !hasReached, !hasWorkedBefore else { return false }
        return failure.kind == .unresolved || failure.kind == .malformed
    }

    private var hopeless: RetortError {
        RetortError(
            .configuration, "no model API at \(server.isEmpty ? "the base URL" : server)", cause: cause,
            remedy: "Nothing has answered there. Check the base URL's scheme, host and port, "
                + "and the network of this machine; then run the same command again.")
    }

    private func outage(of length: Interval) -> RetortError {
        let server = server.isEmpty ? "the server" : server
        let time = Self.words(length)
        let message =
            switch trouble {
            case .connection: "\(server) unreachable for \(time)"
            case .server: "\(server) has served no request for \(time)"
            case .refusal: "\(server) has refused every request for \(time) as too many"
            }
        let when =
            trouble == .refusal ? "when the account's limit allows" : "when the server is up"
        return RetortError(
            .incomplete, cause.map { "\(message) (\($0))" } ?? message,
            remedy: "All received answers are saved; run the same command again \(when), or raise --outage-max.")
    }

    /// The last error, without the address that its message begins with if that is said already.
    private var cause: String? {
        guard var text = lastError.map({ Substring($0) }) else { return nil }
        if let colon = text.firstRange(of: ": "), server.contains(text[..<colon.lowerBound]) {
            text = text[colon.upperBound...]
        }
        while text.last == "." { text.removeLast() }
        return String(text)
    }

    private static func words(_ length: Interval) -> String {
        let seconds = Int(min(max(length.seconds, 0), 1e9).rounded())
        return seconds < 120 ? "\(seconds) s" : "\(seconds / 60) min"
    }
}
