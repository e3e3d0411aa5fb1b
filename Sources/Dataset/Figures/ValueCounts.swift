import CommandLine
import JSONText

/// Counts of how values were found in answers, and of rejected answers.
package enum ValueCounts {
    /// Prefix of the messages of rejected answers.
    package static let noValue = "the answer holds no JSON value"
    package static let unfit = "the answer does not fit the schema"

    /// `90 whole, 8 first, 2 brackets`; empty where there are none.
    package static func text(_ found: [String: Int]) -> String {
        JSONSearch.Layer.allCases.compactMap { layer in
            found[layer.rawValue].map { "\(Human.count($0)) \(layer.rawValue)" }
        }.joined(separator: ", ")
    }

    /// Includes the answers that did not fit; nil if no value was looked for.
    package static func text(_ found: [String: Int], unfit: Int) -> String? {
        guard !found.isEmpty || unfit > 0 else { return nil }
        let parts = [text(found), unfit > 0 ? "\(Human.plural(unfit, "answer")) did not fit" : ""]
        return parts.filter { !$0.isEmpty }.joined(separator: "; ")
    }

    /// For JSON: every way has a number.
    package static func tree(_ found: [String: Int]) -> JSONTree {
        .object(JSONSearch.Layer.allCases.map { .init($0.rawValue, .integer(found[$0.rawValue] ?? 0)) })
    }
}
