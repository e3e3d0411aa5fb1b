package import Basics
import Dataset
import Glibc
import ModelAPI
package import PromptSource

/// Checks before anything is paid under `--max-cost` that each row of the input has a price and a bounded cost. Rows of
/// a pipe are checked as they come, since it can be read only once; the run then stops at the first one without.
package enum RowPrices {
    /// Members of a row that may change its cost. Escaped spellings of such names are noticed when the row is planned.
    private static let signs: [[UInt8]] = [#""model""#, #""body""#, #""params""#, #""max_"#, #""n""#].map {
        Array($0.utf8)
    }

    /// Maximum rows of a matrix that are checked: there may be billions.
    private static let rowsOfMatrixMax = 1 << 20

    /// Throws `.configuration` naming the model and the line of the first row with an unbounded cost.
    package static func check(_ input: InputSet, _ settings: RunSettings, job: JobDescription) throws(RetortError) {
        // Records name no model of their own.
        guard settings.pricing.limit != nil, input.isRepeatable, !input.isStore else { return }
        let planner = RowPlanner(
            settings, input: input, store: NoOutcomes(job, samples: settings.samples), issued: IssuedKeys(),
            codec: RecordCodec(keepsBody: false), standing: .mixed(isNew: true))
        let reader = RangedRows(input, settings.rows)
        let hasModel = !settings.parameters.model.isEmpty
        while true {
            let row: Row?
            // Unreadable input is reported by the run itself.
            do throws(RetortError) { row = try reader.next() } catch { return }
            guard let row, row.number < rowsOfMatrixMax || input.rowCount == nil else { return }
            guard case .json(let text) = row.content, !hasModel || mayDiffer(text) else { continue }
            let understood: RowPlanner.Understood
            do throws(RetortError) { understood = try planner.understand(row) } catch { continue }
            _ = try settings.pricing.costMax(
                of: understood.request, price: settings.pricing.price(ofModel: understood.prompt.model),
                with: planner.splitter
            ) { input.place(of: row) }
        }
    }

    private static func mayDiffer(_ text: [UInt8]) -> Bool {
        text.withUnsafeBufferPointer { text in
            guard let start = text.baseAddress else { return false }
            var at = 0
            while let found = memchr(start + at, Int32(UInt8(ascii: "\"")), text.count - at) {
                let place = UnsafeRawPointer(found) - UnsafeRawPointer(start)
                let rest = text[place...]
                if signs.contains(where: { rest.starts(with: $0) }) { return true }
                at = place + 1
            }
            return false
        }
    }
}
