public import Basics

/// Writes a table as Apache Parquet (https://parquet.apache.org/docs/file-format/), row by row, holding one row group
/// in memory: version 1 data pages, plain encoding, gzip. Not thread-safe.
///
/// Debian has no library that writes the format; the tests read the files with pyarrow, DuckDB and Polars.
public final class ParquetWriter {
    /// Receives the file's bytes in order.
    public typealias Sink = ([UInt8]) throws(RetortError) -> Void

    private let columns: [ParquetColumn]
    private let metadata: [(key: String, value: String)]
    private let sink: Sink
    private var leaves: [ParquetLeaf]
    private var offset = 0
    private var rowsInGroup = 0
    private var rows = 0
    private var groups: [Group] = []

    private struct Chunk {
        var leaf: Int
        var offset: Int
        var values: Int
        var plainBytes: Int
        var bytes: Int
    }

    private struct Group {
        var rows: Int
        var chunks: [Chunk]
    }

    /// Maximum rows of a group: readers load a group as a whole.
    public static let groupRowsMax = 100_000
    /// Maximum bytes, mostly compressed, that a group holds in memory before it is written.
    public static let groupBytesMax = 64 << 20

    private static let magic = Array("PAR1".utf8)

    /// - Parameter metadata: pairs of texts stored in the file's metadata.
    ///
    /// Throws what the sink throws.
    public init(
        _ columns: [ParquetColumn], metadata: [(key: String, value: String)] = [], sink: @escaping Sink
    ) throws(RetortError) {
        self.columns = columns
        self.metadata = metadata
        self.sink = sink
        leaves = columns.flatMap(Self.leaves)
        try put(Self.magic)
    }

    private static func leaves(_ column: ParquetColumn) -> [ParquetLeaf] {
        switch column.shape {
        case .single(let type):
            [ParquetLeaf(path: [column.name], type: type, definitionMax: 1, repetitionMax: 0)]
        case .list(let type):
            [ParquetLeaf(path: [column.name, "list", "element"], type: type, definitionMax: 3, repetitionMax: 1)]
        case .objects(let members):
            members.map { member in
                ParquetLeaf(
                    path: [column.name, "list", "element", member.name], type: member.type, definitionMax: 4,
                    repetitionMax: 1)
            }
        }
    }

    /// Adds a row: a value per column, in order. A value of another type than its column's is written as null. Throws
    /// what the sink throws; the file must then be abandoned.
    public func append(_ row: [ParquetValue]) throws(RetortError) {
        precondition(row.count == columns.count, "a row has a value for each column")
        var leaf = 0
        for (column, value) in zip(columns, row) { append(value, to: column, &leaf) }
        rows += 1
        rowsInGroup += 1
        for index in leaves.indices where leaves[index].isPageFull { leaves[index].endPage() }
        if rowsInGroup >= Self.groupRowsMax || leaves.reduce(0, { $0 + $1.bytesHeld }) >= Self.groupBytesMax {
            try endGroup()
        }
    }

    private func append(_ value: ParquetValue, to column: ParquetColumn, _ leaf: inout Int) {
        switch (column.shape, value) {
        case (.single, _):
            leaves[leaf].append(value, repetition: 0)
            leaf += 1
        case (.list, .list(let values)):
            if values.isEmpty { leaves[leaf].appendNothing(definition: 1, repetition: 0) }
            for (index, value) in values.enumerated() {
                leaves[leaf].append(value, repetition: index == 0 ? 0 : 1)
            }
            leaf += 1
        case (.objects(let members), .objects(let objects)):
            for member in members.indices {
                if objects.isEmpty { leaves[leaf].appendNothing(definition: 1, repetition: 0) }
                for (index, object) in objects.enumerated() {
                    leaves[leaf].append(
                        member < object.count ? object[member] : .null, repetition: index == 0 ? 0 : 1)
                }
                leaf += 1
            }
        case (.list, _):
            leaves[leaf].appendNothing(definition: 0, repetition: 0)
            leaf += 1
        case (.objects(let members), _):
            for _ in members {
                leaves[leaf].appendNothing(definition: 0, repetition: 0)
                leaf += 1
            }
        }
    }

    /// Writes the remaining rows and the file's footer. Must be called once. Throws what the sink throws.
    public func finish() throws(RetortError) {
        if rowsInGroup > 0 { try endGroup() }
        let footer = footer()
        try put(footer)
        try put(withUnsafeBytes(of: UInt32(footer.count).littleEndian) { Array($0) } + Self.magic)
    }

    private func endGroup() throws(RetortError) {
        var group = Group(rows: rowsInGroup, chunks: [])
        for index in leaves.indices {
            leaves[index].endPage()
            let leaf = leaves[index]
            group.chunks.append(
                Chunk(
                    leaf: index, offset: offset, values: leaf.valueCount, plainBytes: leaf.plainBytes,
                    bytes: leaf.pages.count))
            try put(leaves[index].takePages())
        }
        groups.append(group)
        rowsInGroup = 0
    }

    private func put(_ bytes: [UInt8]) throws(RetortError) {
        try sink(bytes)
        offset += bytes.count
    }
}

/// The file's metadata, by the numbers of parquet.thrift.
extension ParquetWriter {
    private static let gzipCodec: Int32 = 2

    private func footer() -> [UInt8] {
        var thrift = ThriftWriter()
        thrift.i32(1, 1)
        thrift.structures(2, ParquetSchemaElement.list(columns)) { $1.write(&$0) }
        thrift.i64(3, Int64(rows))
        thrift.structures(4, groups, write)
        if !metadata.isEmpty {
            thrift.structures(5, metadata) { pair, entry in
                pair.string(1, entry.key)
                pair.string(2, entry.value)
            }
        }
        thrift.string(6, "retort")
        thrift.end()
        return thrift.bytes
    }

    private func write(_ thrift: inout ThriftWriter, _ group: Group) {
        thrift.structures(1, group.chunks) { chunk, place in
            chunk.i64(2, Int64(place.offset))
            chunk.structure(3) { self.write(&$0, place) }
        }
        thrift.i64(2, Int64(group.chunks.reduce(0) { $0 + $1.plainBytes }))
        thrift.i64(3, Int64(group.rows))
    }

    private func write(_ thrift: inout ThriftWriter, _ chunk: Chunk) {
        let leaf = leaves[chunk.leaf]
        thrift.i32(1, ParquetSchemaElement.number(of: leaf.type))
        thrift.i32s(2, [ParquetEncoding.plain, ParquetEncoding.runLength])
        thrift.strings(3, leaf.path)
        thrift.i32(4, Self.gzipCodec)
        thrift.i64(5, Int64(chunk.values))
        thrift.i64(6, Int64(chunk.plainBytes))
        thrift.i64(7, Int64(chunk.bytes))
        thrift.i64(9, Int64(chunk.offset))
    }
}
