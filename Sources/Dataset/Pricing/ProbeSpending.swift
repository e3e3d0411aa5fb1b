package import Basics
import JSONText
package import SegmentStore

/// The cost of requests that belong to no item: the probes of `--schema-by auto`. Kept in a note of the store, since no
/// record has it. In nanodollars.
package struct ProbeSpending: Hashable, Sendable {
    package var spent = 0
    /// Maximum cost of probes whose answers were lost or did not report it.
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
