internal import Basics
internal import ModelAPI

/// Outages: how long they are waited for, and the error if they last too long.
extension Dispatcher {
    /// Number of failed probes that ends the run if waiting cannot change the cause.
    static let hopelessProbesMax = 3

    /// How much longer the outage is waited for; nil if there is none.
    func outageLeft(at now: Instant) -> Interval? { downSince.map { max(.zero, outageMax - (now - $0)) } }

    /// When the last server stopped serving.
    private var downSince: Instant? { router == nil ? breaker.downSince : router?.outage?.since }
    private var trouble: CircuitBreaker.Trouble { router?.outage?.trouble ?? breaker.trouble }
    private var hopelessProbes: Int { router == nil ? breaker.hopelessProbes : router?.outage?.hopelessProbes ?? 0 }

    mutating func checkOutage(at now: Instant) {
        guard window.phase == .open, !isPaused, let since = downSince else { return }
        if hopelessProbes >= Self.hopelessProbesMax { return stop(with: hopeless) }
        if now - since >= outageMax { stop(with: outage(of: now - since)) }
    }

    /// Whether waiting is useless: the address has never reached a server, or one that speaks another protocol. A name
    /// that could be resolved once may be resolvable again.
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

    /// The last error, without the address at its start if that is mentioned already.
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
