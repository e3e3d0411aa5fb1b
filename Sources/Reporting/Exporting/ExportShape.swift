package import Basics
import CommandLine
import SegmentStore

/// The format and the kind of file of an export, from `--format` and the file's name.
package struct ExportShape: Hashable {
    package var format: ExportFormat
    package var container: ExportContainer

    /// The values of `--format`: `csv` and `parquet` are values in such a file.
    package static let words = ExportFormat.allCases.map(\.rawValue) + [csv, parquet]
    private static let (csv, parquet) = (ExportContainer.csv.rawValue, ExportContainer.parquet.rawValue)

    /// Endings of files whose content would not match their names.
    private static let otherEndings = ["arrow", "feather", "tsv", "xlsx", "zst", "bz2", "xz", "zip", "parquet.gz"]

    /// For reports: `messages`, `json in Parquet`.
    package var name: String {
        switch container {
        case .lines: format.rawValue
        case .csv: "\(format.rawValue) in CSV"
        case .parquet: "\(format.rawValue) in Parquet"
        }
    }

    /// - Parameters:
    ///   - word: the value of `--format`, if given.
    ///   - paths: the files of the output and the test part.
    ///   - isChecked: whether the store's answers have values.
    ///
    /// Throws `.usage` if they do not match.
    package init(word: String?, paths: [String], isChecked: Bool) throws(RetortError) {
        let ofWord = word.flatMap { [Self.csv, Self.parquet].contains($0) ? ExportContainer(rawValue: $0) : nil }
        var container = ofWord
        for path in paths where path != "-" {
            let named = try Self.container(of: path)
            if let container, named != .lines || Self.isNamedLines(path), named != container {
                throw RetortError(
                    .usage, "the file's name does not say \(container == .lines ? "JSON lines" : container.rawValue)",
                    at: path, remedy: "Give a name that ends in .\(container == .lines ? "jsonl" : container.rawValue)."
                )
            }
            if named != .lines || container == nil { container = named }
        }
        self.container = container ?? .lines
        let isNamed = ofWord == nil && word != nil
        format =
            isNamed
            ? ExportFormat(rawValue: word!) ?? .messages
            : self.container == .csv || ofWord == .parquet || self.container == .parquet && isChecked
                ? .json : .messages
        if self.container == .csv, format != .json {
            throw RetortError(
                .usage, "a CSV file holds values; \(format.rawValue) does not fit into its columns",
                remedy: "Give --format json, or a name in .jsonl or .parquet.")
        }
        if self.container == .parquet, format == .openaiBatch {
            throw RetortError(
                .usage, "openai-batch is a form of JSON lines", remedy: "Give a name in .jsonl, or another --format.")
        }
    }

    private static func container(of path: String) throws(RetortError) -> ExportContainer {
        let lower = path.lowercased()
        if let ending = otherEndings.first(where: { lower.hasSuffix("." + $0) }) {
            var name = String(path.dropLast(ending.count + 1))
            for known in [".jsonl", ".csv", ".json"] where name.lowercased().hasSuffix(known) {
                name = String(name.dropLast(known.count))
                break
            }
            throw RetortError(
                .usage, "exports are JSON lines, CSV or Parquet, not .\(ending)", at: path,
                remedy: ending == "parquet.gz"
                    ? "Give -o \(name).parquet: its pages are compressed already."
                    : "Give -o \(name).jsonl, \(name).jsonl.gz, \(name).csv or \(name).parquet.")
        }
        if lower.hasSuffix(".csv") || lower.hasSuffix(".csv.gz") { return .csv }
        return lower.hasSuffix(".parquet") ? .parquet : .lines
    }

    private static func isNamedLines(_ path: String) -> Bool {
        [".jsonl", ".json", ".jsonl.gz", ".json.gz"].contains { path.lowercased().hasSuffix($0) }
    }

    /// Throws `.usage` for options that do not work with the shape.
    package func check(_ target: ExportTarget, _ reasoning: ReasoningForm, _ metadata: MetadataForm) throws(RetortError)
    {
        if container == .parquet, target == .openai {
            throw RetortError(
                .usage, "--for openai leaves members out, and the rows of a table have them all",
                remedy: "Give a name in .jsonl, or leave --for out.")
        }
        if format == .json, reasoning == .think {
            throw RetortError(
                .usage, "values have no place for --reasoning think", remedy: "Give --reasoning keep, or leave it out.")
        }
        if format == .json, container == .lines, case .fields(let names) = metadata,
            names.contains(ValueColumns.wholeName)
        {
            throw RetortError(
                .usage, "lines have a member 'value' of their own", at: "--metadata",
                remedy: "Give --metadata without a name: the fields come along as JSON text under metadata.")
        }
    }
}
