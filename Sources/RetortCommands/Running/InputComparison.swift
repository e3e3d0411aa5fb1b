import Basics
import CommandLine
import PromptSource
import SegmentStore

extension RunSession {
    /// Another input under the same job: each row is looked up first, and nothing is asked if known ids have changed.
    func refuseChangedRows(_ input: InputSet, _ store: RecordStore) throws(RetortError) {
        guard settings.onChange == .refuse, input.isRepeatable else { return }
        if !isQuiet {
            messages.line("the input is not the one of the last run: comparing its rows with what is on disk")
        }
        let planner = RowPlanner(
            settings, input: input, store: store, issued: IssuedKeys(), codec: RecordCodec(keepsBody: false),
            standing: .mixed(isNew: true))
        let rows = RowReader(input)
        var changed = 0
        var first = ""
        do throws(RetortError) {
            while let row = try rows.next() {
                guard try planner.hasChanged(row) else { continue }
                changed += 1
                if changed == 1 { first = input.place(of: row) }
            }
        } catch {
            // The run itself meets the same end of the input, and reports it when the rows before it are done.
            if error.code != .badInput { throw error }
        }
        if changed > 0 { throw planner.changed(changed, at: first) }
    }
}
