package import Basics
import JSONText
package import SegmentStore

/// What requests have cost that are no item's: the probes of `--schema-by auto`. A note of the store keeps it, since no
/// record does. In nanodollars.
package struct ProbeSpending: Hashable, Sendable {
    package var spent = 0
    /// What probes may have cost at most whose answers said nothing of it, or never came.
    package var uncertainMax = 0

    private static let note = "probe_spending"

    package init(_ notes: [String: String]?) {
        guard let root = notes?[Self.note].flatMap({ try? JSONParser().parse($0).root }) else { return }
        spent = max(0, root["spent"]?.int ?? 0)
        uncertainMax = max(0, root["uncertain_max"]?.int ?? 0)
    }

    package func write(to store: RecordStore) throws(RetortError) {
        try store.note(Self.note, #"{"spent":\#(spent),"uncertain_max":\#(uncertainMax)}"#)
    }
}
