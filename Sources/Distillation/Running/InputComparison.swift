package import Basics
import CommandLine
import Dataset
package import PromptSource
package import SegmentStore

extension RunSession {
    /// Why the store does not know which rows of the input have outcomes.
    private static func reasonToCompare(_ input: StoreManifest.Input?) -> String {
        switch input?.forgotten {
        case .repair: "the store was repaired since the input was last read"
        case .samples: "the input gets more samples per row"
        case .revision, nil: "the input changed since the last run"
        }
    }

    /// Another input for the same job: each row is looked up first, and nothing is sent if known ids have changed.
    package func refuseChangedRows(_ input: InputSet, _ store: RecordStore) throws(RetortError) {
        guard settings.onChange == .refuse, input.isRepeatable else { return }
        if !isQuiet {
            messages.line(Self.reasonToCompare(store.manifest.input) + "; matching its rows against the store")
        }
        let planner = { [settings] in
            RowPlanner(
                settings, input: input, store: store, issued: IssuedKeys(), codec: RecordCodec(keepsBody: false),
                standing: .mixed(isNew: true))
        }
        let changed: ChangedItems
        do throws(RetortError) {
            changed = try ChangedItems(input, settings.rows, planner: planner, withoutIDs: false, overflow: { _ in })
        } catch {
            // The run itself reaches the same end of the input, and reports it after the rows before it.
            if error.code == .badInput { return }
            throw error
        }
        if changed.count > 0 { throw planner().changed(changed.count, at: changed.firstPlace) }
    }
}
