package import Basics
import Dataset
package import ModelAPI
package import SegmentStore

/// The job in a store's manifest.
package struct StoredJob: Sendable {
    package var values: [String: String]
    /// The server that its answers came from; nil if unknown.
    package var baseURL: String?
    /// The check of its answers; nil: none.
    package var check: AnswerCheck?
    /// Maximum answers per item, as given to the last run.
    package var rounds: Int?

    package init(values: [String: String], baseURL: String? = nil, check: AnswerCheck? = nil, rounds: Int? = nil) {
        self.rounds = rounds
        self.values = values
        self.baseURL = baseURL
        self.check = check
    }

    /// Throws `.badInput` if the stored schema cannot be parsed.
    package init(_ manifest: StoreManifest) throws(RetortError) {
        self.init(
            values: manifest.job, baseURL: ServerNote.url(in: manifest), check: try AnswerCheck(of: manifest),
            rounds: manifest.notes?[VerifierSettings.roundsNote].flatMap { Int($0) })
    }

    package var model: String { values["model"] ?? "" }
    package var endpoint: RequestBuilder.Endpoint { values["endpoint"].flatMap { .init(rawValue: $0) } ?? .chat }
    package var isSimulated: Bool { values["simulated"] == "yes" }
    /// Whether its answers are elements of arrays.
    package var isOfElements: Bool { values[ItemsOption.jobName] != nil }
    package var splitsThinking: Bool { values["split_think"] == "yes" }
    package var rejectedFinishReasons: Set<String> {
        Set((values["reject_finish"] ?? "").split(separator: ",").map(String.init))
    }

    /// The differences between `given` and the job, in words.
    package func differences(from given: [String: String]) -> [String] {
        given.sorted { $0.key < $1.key }.compactMap { name, text in
            let stored = values[name] ?? (name == "simulated" ? "no" : "not set")
            return stored == text ? nil : "\(name) is \(stored) in the store and \(text) here"
        }
    }
}
