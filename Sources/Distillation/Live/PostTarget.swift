package import Basics
import Dataset
import Glibc
package import HTTPTransport
import ModelAPI

/// A URL that a run reports to: for notifications, or an OpenTelemetry collector. Blocks; for threads that may wait.
package final class PostTarget: Sendable {
    /// The name in messages: the URL without the path, which may contain a secret.
    package let name: String
    private let post: URLPost

    package static func isURL(_ text: String) -> Bool { text.hasPrefix("http://") || text.hasPrefix("https://") }

    /// - Parameter option: its name, for messages.
    package init(
        _ url: String, option: String, headers: [(name: String, value: String)] = [], timeout: Interval,
        network: HTTPTransport.Network
    ) throws(RetortError) {
        name = Self.origin(of: url)
        guard Self.isURL(url), name.count > "https://".count else {
            throw RetortError(
                .usage, "not an address to post to", at: option,
                remedy: "Give one that begins with http:// or https:// and a host.")
        }
        post = try URLPost(
            url, headers: headers, userAgent: "retort/\(RetortVersion.text)", timeout: timeout, network: network)
    }

    /// Scheme, host and port.
    private static func origin(of url: String) -> String {
        guard let scheme = url.firstRange(of: "://") else { return "" }
        let host = url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        // A user name and a password may precede the host.
        let known = host.lastIndex(of: "@").map { host[host.index(after: $0)...] } ?? host
        return String(url[..<scheme.upperBound]) + known
    }

    package enum Outcome: Sendable, Hashable {
        case taken
        /// Another attempt may succeed.
        case failed(String)
        /// No other attempt will succeed.
        case refused(String)
    }

    package func send(_ body: [UInt8]) -> Outcome {
        switch post.send(body) {
        case .success(let reply) where reply.status / 100 == 2: .taken
        case .success(let reply):
            // The temporary statuses of the OTLP specification.
            [408, 429, 502, 503, 504].contains(reply.status)
                ? .failed("\(name) answered \(reply.status)") : .refused("\(name) answered \(reply.status)")
        case .failure(let failure): .failed("\(name): \(failure.kind.rawValue)")
        }
    }

    /// Tries several times, with a pause that doubles, until `end`. Nil: accepted; else the reason for the failure.
    package func send(_ body: [UInt8], attempts: Int, pause: Interval, until end: Instant) -> String? {
        var wait = pause
        var reason = ""
        for attempt in 1...max(1, attempts) {
            switch send(body) {
            case .taken: return nil
            case .refused(let text): return text
            case .failed(let text): reason = text
            }
            guard attempt < attempts, Instant.now + wait < end else { break }
            usleep(UInt32(clamping: wait.nanoseconds / 1000))
            wait = wait + wait
        }
        return reason
    }
}
