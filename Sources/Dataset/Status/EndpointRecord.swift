import Basics
import CommandLine
package import JSONText
package import ResponseGenerator

/// The state of one of several servers of a run, as in `RunRecord`.
package struct EndpointRecord: Sendable, Hashable {
    package var name = ""
    /// `up`, `down`, `rate_limited` or `excluded`.
    package var state = ""
    package var requests = 0
    package var answers = 0
    package var rateLimited = 0
    package var failures = 0
    package var completionTokens = 0
    package var inFlight = 0
    package var concurrency = 0
    /// The mean over its answers.
    package var latencyMilliseconds = 0
    package var lastError = ""

    package var isUp: Bool { state == EndpointProgress.State.up.rawValue }

    package init(name: String, isDown: Bool) {
        self.name = name
        state = (isDown ? EndpointProgress.State.down : .up).rawValue
    }

    package init(_ progress: EndpointProgress) {
        (name, state, lastError) = (progress.name, progress.state.rawValue, progress.lastError)
        (requests, answers, rateLimited) = (progress.requests, progress.answers, progress.rateLimited)
        (failures, completionTokens) = (progress.failures, progress.completionTokens)
        (inFlight, concurrency) = (progress.inFlight, progress.concurrency)
        latencyMilliseconds = Int(progress.latency.milliseconds)
    }

    /// Shorter than other texts of the record: there may be many.
    private static let textScalarsMax = 200

    private static func cut(_ text: String) -> String { String(text.unicodeScalars.prefix(textScalarsMax)) }

    package var tree: JSONTree {
        typealias Member = JSONTree.Member
        return .object([
            Member("name", .text(Self.cut(name))), Member("state", .text(state)),
            Member("requests", .integer(requests)), Member("answers", .integer(answers)),
            Member("rate_limited", .integer(rateLimited)), Member("failures", .integer(failures)),
            Member("completion_tokens", .integer(completionTokens)), Member("in_flight", .integer(inFlight)),
            Member("concurrency", .integer(concurrency)), Member("latency_ms_mean", .integer(latencyMilliseconds)),
            Member("last_error", .text(Self.cut(lastError))),
        ])
    }

    /// Parses the JSON form; nil if there is no name.
    package init?(_ value: JSONValue) {
        func text(_ name: StaticString) -> String { Self.cut(value[name]?.string ?? "") }
        func count(_ name: StaticString) -> Int { max(0, min(value[name]?.int ?? 0, RunRecord.countMax)) }
        (name, state, lastError) = (text("name"), text("state"), text("last_error"))
        guard !name.isEmpty else { return nil }
        (requests, answers, rateLimited) = (count("requests"), count("answers"), count("rate_limited"))
        (failures, completionTokens) = (count("failures"), count("completion_tokens"))
        (inFlight, concurrency) = (count("in_flight"), count("concurrency"))
        latencyMilliseconds = count("latency_ms_mean")
    }

    /// One line: `http://a:8000/v1: 3,120 answers, 120 ms each, 14 rate-limited, 2 failures; down: connection refused`.
    package var line: String {
        var parts = [Human.plural(answers, "answer")]
        if answers > 0 { parts[0] += ", \(Quantity.duration(milliseconds: Double(latencyMilliseconds))) each" }
        if rateLimited > 0 { parts.append("\(Human.count(rateLimited)) rate-limited") }
        if failures > 0 { parts.append(Human.plural(failures, "failure")) }
        var text = "\(CellWidth.sanitized(name)): \(parts.joined(separator: ", "))"
        if !isUp {
            text += "; \(CellWidth.sanitized(state.replacing("_", with: "-")))"
            if !lastError.isEmpty {
                text += ": \(CellWidth.truncated(CellWidth.sanitized(lastError), to: Self.errorCells))"
            }
        }
        return text
    }

    private static let errorCells = 100
}
