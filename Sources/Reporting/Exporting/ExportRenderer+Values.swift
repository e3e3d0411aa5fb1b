package import Basics
package import Dataset
import JSONText
package import Parquet

/// Values of checked answers, and the columns of tables.
extension ExportRenderer {
    /// Whether a line is the value itself, without other members.
    package var isBareValue: Bool { container == .lines && !withIDs && metadata == .none && reasoning != .keep }

    /// The value as a member; in a table a member for each column.
    package func appendValue(_ prepared: Prepared, _ columns: ExportColumns, to line: inout JSONLine) {
        guard let value = prepared.value else { return }
        guard container != .lines else { return line.member("value", JSONLine.compact(value.raw)) }
        let values = columns.values
        guard values.areObjects else { return line.member(ValueColumns.wholeName, values.whole.token(value)) }
        for (name, column) in zip(values.names, values.columns) {
            line.member(String(decoding: name, as: UTF8.self), column.token(value.member(name)))
        }
    }

    /// The columns of a table. Throws `.usage` if there would be none, or two with one name.
    package func table(_ columns: ExportColumns) throws(RetortError) -> [ParquetColumn] {
        let own = content(columns)
        if own.isEmpty {
            throw RetortError(
                .usage, "no answer of the store has a value, so there is nothing to make columns of",
                remedy: "Run `retort check STORE --json`, or with --schema FILE, to look for values in the answers.")
        }
        var table: [ParquetColumn] = []
        if withIDs { table += [ParquetColumn("id", .single(.string)), ParquetColumn("sample", .single(.integer))] }
        table += own
        if reasoning == .keep, format != .messages { table.append(ParquetColumn("reasoning", .single(.string))) }
        switch metadata {
        case .none: break
        case .all: table.append(ParquetColumn("metadata", .single(.string)))
        case .fields(let names):
            for (name, column) in zip(names, columns.metadata) {
                table.append(ParquetColumn(name, .single(column.type)))
            }
        }
        var names: Set<String> = []
        if let name = table.first(where: { !names.insert($0.name).inserted })?.name {
            throw RetortError(
                .usage, "two columns would be named '\(name)'",
                cause: "the values have a member of that name",
                remedy: "Leave out --ids, --metadata \(name) or --reasoning keep, or give --format json and a name in "
                    + ".jsonl: there the value is a member of its own.")
        }
        return table
    }

    private func content(_ columns: ExportColumns) -> [ParquetColumn] {
        func texts(_ names: String...) -> [ParquetColumn] { names.map { ParquetColumn($0, .single(.string)) } }
        let tools = columns.members.contains(.tools) ? texts("tools") : []
        switch format {
        case .json:
            let values = columns.values
            if values.isEmpty { return [] }
            guard values.areObjects else { return [ParquetColumn(ValueColumns.wholeName, .single(values.whole.type))] }
            return zip(values.names, values.columns).map { name, column in
                ParquetColumn(String(decoding: name, as: UTF8.self), .single(column.type))
            }
        case .messages:
            var members: [ParquetColumn.Member] = [.init("role", .string), .init("content", .string)]
            if reasoning == .keep { members.append(.init("reasoning_content", .string)) }
            for column in ExportColumn.ofTurns where columns.members.contains(column) {
                members.append(.init(column.key, column == .weight ? .integer : .string))
            }
            return [ParquetColumn("messages", .objects(members))] + tools
        case .sharegpt:
            return [ParquetColumn("conversations", .objects([.init("from", .string), .init("value", .string)]))] + tools
        case .alpaca: return texts("instruction", "input", "output", "system")
        case .text: return texts("text")
        case .openaiBatch: return []
        }
    }
}
