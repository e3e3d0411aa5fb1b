package import Basics
import CommandLine
import Dataset
package import PromptSource

/// Examines the first rows of an input as long as none can be sent: if all fail for one reason, the run stops before
/// anything is recorded.
package struct RowTrial {
    /// Maximum rows examined, and their bytes.
    package static let rowsMax = 1000
    package static let bytesMax = 64 << 20

    package private(set) var rows = 0
    private var bytes = 0
    private var first: RetortError?
    private var isOneReason = true
    /// For each missing template field, the number of rows without it.
    private var missing: [String: Int] = [:]
    private var rowsOfFields = 0
    private var fields = ""
    /// Whether the rows are lines of a table with column names in the first line.
    private let isTable: Bool

    package init(isTable: Bool = false) { self.isTable = isTable }

    package var isFull: Bool { rows >= Self.rowsMax || bytes >= Self.bytesMax }

    /// Adds a row that cannot be sent.
    package mutating func note(_ row: Row, _ error: RetortError, _ parser: PromptParser) {
        rows += 1
        bytes += row.contentBytes
        if let first {
            if first.message != error.message { isOneReason = false }
        } else {
            first = error
        }
        guard let found = parser.missingFields(of: row) else { return }
        rowsOfFields += 1
        if rowsOfFields == 1 { fields = "fields in row \(row.number + 1): \(found.present)" }
        for field in found.missing { missing[field, default: 0] += 1 }
    }

    /// Why no row can be sent; nil if some may be.
    package var verdict: RetortError? {
        guard var error = first else { return nil }
        let absent = missing.filter { $0.value == rowsOfFields }.keys.sorted()
        if !absent.isEmpty {
            let names = absent.map { "{{\($0)}}" }.joined(separator: ", ")
            let count = Human.count(rowsOfFields)
            return RetortError(
                .configuration, "\(names) \(absent.count == 1 ? "is" : "are") missing in \(count) of \(count) rows",
                cause: fields,
                remedy: "Correct the template, or the rows. Nothing was sent or recorded." + remark)
        }
        guard isOneReason else { return nil }
        if error.message == ParameterOptions.noModel.message { return ParameterOptions.noModel }
        if rows > 1 {
            let count = (isFull ? "the first " : "") + Human.count(rows)
            error.message = "none of \(count) rows can be sent: " + error.message
        }
        if error.message.contains("no prompt"), !remark.isEmpty { error.remedy = (error.remedy ?? "") + remark }
        return error
    }

    /// A table may lack its header.
    private var remark: String {
        guard isTable else { return "" }
        return " The first line of a CSV or TSV names its columns; if it is data, put a line of names before it, "
            + "such as `prompt,topic` (sed -i '1i prompt,topic' FILE)."
    }

    /// Examines the first rows of files. Throws the verdict; errors of reading only if no row came before them.
    package static func check(
        _ input: InputSet, _ settings: RunSettings, job: JobDescription
    ) throws(RetortError) {
        guard input.isRepeatable else { return }
        let planner = RowPlanner(
            settings, input: input, store: NoOutcomes(job, samples: settings.samples), issued: IssuedKeys(),
            codec: RecordCodec(keepsBody: false), standing: .mixed(isNew: true))
        let reader = RangedRows(input, settings.rows)
        let isTable = input.files.contains { $0.format == .csv || $0.format == .tsv }
        var trial = RowTrial(isTable: isTable)
        while !trial.isFull {
            let row: Row?
            do throws(RetortError) { row = try reader.next() } catch { return }
            guard let row else { break }
            do throws(RetortError) {
                _ = try planner.understand(row)
                return
            } catch {
                guard error.code == .badInput else { throw error }
                trial.note(row, error, planner.parser)
            }
        }
        if let verdict = trial.verdict { throw verdict }
    }
}

extension Row {
    package var contentBytes: Int { if case .json(let bytes) = content { bytes.count } else { 0 } }
}
