package import Basics
import JSONText
package import Parquet

/// Writes the lines of one file, unchanged or as rows of a table. Used by one thread.
package final class ExportSink {
    private let file: OutputFile
    private let columns: [ParquetColumn]
    private let container: ExportContainer
    private let parquet: ParquetWriter?
    private let parser = JSONParser()

    /// - Parameter columns: the columns of a table, in order; unused for lines.
    ///
    /// Throws the file's errors.
    package init(_ file: OutputFile, _ container: ExportContainer, columns: [ParquetColumn]) throws(RetortError) {
        self.file = file
        self.columns = columns
        self.container = container
        parquet =
            container == .parquet
            ? try ParquetWriter(columns) { bytes throws(RetortError) in try file.write(bytes) } : nil
        if container == .csv { try file.line(CSVLine.header(columns.map(\.name))) }
    }

    /// Writes one object, whose members are those of the columns.
    package func take(_ line: [UInt8]) throws(RetortError) {
        if container == .lines { return try file.line(line) }
        let root: JSONValue
        do {
            root = try parser.parse(line).root
        } catch {
            throw RetortError(
                .damagedData, "a record holds JSON that cannot be read", cause: "\(error)",
                remedy: "Run `retort verify --deep` to see what else is damaged.")
        }
        let values = columns.map { root.member($0.name.utf8) }
        if let parquet { return try parquet.append(zip(columns, values).map { Self.cell($1, $0.shape) }) }
        try file.line(CSVLine.row(values))
    }

    /// Ends the file and gives it its final name.
    package func finish() throws(RetortError) {
        try parquet?.finish()
        try file.finish()
    }

    // MARK: Cells

    private static func cell(_ value: JSONValue?, _ shape: ParquetColumn.Shape) -> ParquetValue {
        guard let value, value.kind != .null else { return .null }
        switch shape {
        case .single(let type): return single(value, type)
        case .list(let type): return .list(value.elements.map { single($0, type) })
        case .objects(let members):
            return .objects(
                value.elements.map { element in
                    members.map { member in element.member(member.name.utf8).map { single($0, member.type) } ?? .null }
                })
        }
    }

    private static func single(_ value: JSONValue, _ type: ParquetType) -> ParquetValue {
        switch (value.kind, type) {
        case (.null, _): .null
        case (.string, .string): .string((value.stringBytes ?? [])[...])
        // In a text column a list or an object is written as JSON.
        case (_, .string): .string(value.raw)
        case (.boolean, .boolean): .boolean(value.bool ?? false)
        case (.number, .integer): value.int.map { .integer(Int64($0)) } ?? .null
        case (.number, .double): value.double.map { .double($0) } ?? .null
        default: .null
        }
    }
}
