package import Basics
import Dataset
import Glibc
import ModelAPI
package import PromptSource

/// Before anything is paid under `--max-cost`: whether each row of the input has a price and a bound. A pipe's rows are
/// looked at as they come, since they come once; the run stops at the first without, and goes on with other prices.
package enum RowPrices {
    /// Names in a row that may change what it costs. What escapes them in the spelling of a key is found when it is planned.
    private static let signs: [[UInt8]] = [#""model""#, #""body""#, #""params""#, #""max_"#, #""n""#].map {
        Array($0.utf8)
    }

    /// Rows of a matrix that are looked at: there may be billions.
    private static let rowsOfMatrixMax = 1 << 20

    /// Throws `.configuration` naming the model and the line of the first row whose cost has no bound.
    package static func check(_ input: InputSet, _ settings: RunSettings, job: JobDescription) throws(RetortError) {
        // A record names no model of its own.
        guard settings.pricing.limit != nil, input.isRepeatable, !input.isStore else { return }
        let planner = RowPlanner(
            settings, input: input, store: NoOutcomes(job, samples: settings.samples), issued: IssuedKeys(),
            codec: RecordCodec(keepsBody: false), standing: .mixed(isNew: true))
        let reader = RangedRows(input, settings.rows)
        let hasModel = !settings.parameters.model.isEmpty
        while true {
            let row: Row?
            // What cannot be read is said by the run itself.
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
