internal import Gzip

/// The values of one leaf of the schema, page by page: levels and plain values, compressed when a page is full.
///
/// Levels are those of Dremel: the definition level says how far down the path a value is present, the repetition level
/// whether it continues the previous list (https://parquet.apache.org/docs/file-format/nestedencoding/).
struct ParquetLeaf {
    let path: [String]
    let type: ParquetType
    let definitionMax: UInt8
    let repetitionMax: UInt8

    private var definitions: [UInt8] = []
    private var repetitions: [UInt8] = []
    private var plain: [UInt8] = []
    private var bits = 0

    /// Finished pages of the current row group.
    private(set) var pages: [UInt8] = []
    private(set) var valueCount = 0
    private(set) var plainBytes = 0

    /// A page ends at the first row after this many bytes of values.
    static let pageBytesMin = 1 << 20
    /// Maximum values of a page, whatever their size.
    static let pageValuesMax = 1 << 20

    init(path: [String], type: ParquetType, definitionMax: UInt8, repetitionMax: UInt8) {
        self.path = path
        self.type = type
        self.definitionMax = definitionMax
        self.repetitionMax = repetitionMax
    }

    /// Bytes held for the current row group.
    var bytesHeld: Int { pages.count + plain.count + definitions.count * 2 }

    var isPageFull: Bool { plain.count >= Self.pageBytesMin || definitions.count >= Self.pageValuesMax }

    /// Adds an entry without a value: null at that level, or an empty list.
    mutating func appendNothing(definition: UInt8, repetition: UInt8) {
        definitions.append(definition)
        repetitions.append(repetition)
    }

    /// Adds a value. One of another type than the column's is written as null, one level up.
    mutating func append(_ value: ParquetValue, repetition: UInt8) {
        guard appendPlain(value) else {
            return appendNothing(definition: definitionMax - 1, repetition: repetition)
        }
        definitions.append(definitionMax)
        repetitions.append(repetition)
    }

    private mutating func appendPlain(_ value: ParquetValue) -> Bool {
        switch (value, type) {
        case (.string(let bytes), .string):
            append(littleEndian: UInt32(bytes.count))
            plain.append(contentsOf: bytes)
        case (.integer(let number), .integer): append(littleEndian: UInt64(bitPattern: number))
        case (.integer(let number), .double): append(littleEndian: Double(number).bitPattern)
        case (.double(let number), .double): append(littleEndian: number.bitPattern)
        case (.boolean(let flag), .boolean):
            if bits % 8 == 0 { plain.append(0) }
            if flag { plain[plain.count - 1] |= 1 << UInt8(bits % 8) }
            bits += 1
        default: return false
        }
        return true
    }

    private mutating func append<Number: FixedWidthInteger>(littleEndian number: Number) {
        withUnsafeBytes(of: number.littleEndian) { plain.append(contentsOf: $0) }
    }

    /// Ends the page. A page always ends at the end of a row.
    mutating func endPage() {
        if definitions.isEmpty { return }
        var body: [UInt8] = []
        body.reserveCapacity(plain.count + definitions.count / 4 + 64)
        if repetitionMax > 0 { Self.append(levels: repetitions, to: &body) }
        Self.append(levels: definitions, to: &body)
        body.append(contentsOf: plain)
        let compressed = Self.gzip(body)
        let header = Self.header(values: definitions.count, raw: body.count, compressed: compressed.count)
        pages.append(contentsOf: header)
        pages.append(contentsOf: compressed)
        valueCount += definitions.count
        plainBytes += header.count + body.count
        definitions.removeAll(keepingCapacity: true)
        repetitions.removeAll(keepingCapacity: true)
        plain.removeAll(keepingCapacity: true)
        bits = 0
    }

    /// Returns the pages and begins the next row group.
    mutating func takePages() -> [UInt8] {
        defer {
            pages = []
            valueCount = 0
            plainBytes = 0
        }
        return pages
    }

    private static func header(values: Int, raw: Int, compressed: Int) -> [UInt8] {
        var thrift = ThriftWriter()
        thrift.i32(1, 0)  // a data page
        thrift.i32(2, Int32(raw))
        thrift.i32(3, Int32(compressed))
        thrift.structure(5) { page in
            page.i32(1, Int32(values))
            page.i32(2, ParquetEncoding.plain)
            page.i32(3, ParquetEncoding.runLength)
            page.i32(4, ParquetEncoding.runLength)
        }
        thrift.end()
        return thrift.bytes
    }

    /// Appends run-length-encoded levels. A level fits into a byte.
    private static func append(levels: [UInt8], to body: inout [UInt8]) {
        var runs: [UInt8] = []
        var at = 0
        while at < levels.count {
            var end = at + 1
            while end < levels.count, levels[end] == levels[at] { end += 1 }
            ThriftWriter.appendVarint(UInt64(end - at) << 1, to: &runs)
            runs.append(levels[at])
            at = end
        }
        withUnsafeBytes(of: UInt32(runs.count).littleEndian) { body.append(contentsOf: $0) }
        body.append(contentsOf: runs)
    }

    private static func gzip(_ bytes: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        // The closure only appends.
        let writer = GzipWriter { output.append(contentsOf: $0) }
        do {
            try writer.write(bytes)
            try writer.finish()
        } catch {
            preconditionFailure("appending to an array cannot fail")
        }
        return output
    }
}

/// The encodings that are used, by their numbers in the format.
enum ParquetEncoding {
    static let plain: Int32 = 0
    static let runLength: Int32 = 3
}
