/// Writes Thrift's compact protocol, the form of Parquet's metadata
/// (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).
struct ThriftWriter {
    private(set) var bytes: [UInt8] = []
    /// The number of the last field of each open struct.
    private var lastFields: [Int] = [0]

    private enum Kind: UInt8 {
        case yes = 1
        case no = 2
        case i32 = 5
        case i64 = 6
        case binary = 8
        case list = 9
        case structure = 12
    }

    mutating func i32(_ field: Int, _ value: Int32) {
        begin(field, .i32)
        zigzag(Int64(value))
    }

    mutating func i64(_ field: Int, _ value: Int64) {
        begin(field, .i64)
        zigzag(value)
    }

    mutating func string(_ field: Int, _ text: String) {
        begin(field, .binary)
        binary(text)
    }

    mutating func structure(_ field: Int, _ write: (inout ThriftWriter) -> Void) {
        begin(field, .structure)
        nested(write)
    }

    mutating func structures<Element>(
        _ field: Int, _ elements: [Element], _ write: (inout ThriftWriter, Element) -> Void
    ) {
        begin(field, .list)
        listHeader(elements.count, .structure)
        for element in elements { nested { write(&$0, element) } }
    }

    mutating func i32s(_ field: Int, _ values: [Int32]) {
        begin(field, .list)
        listHeader(values.count, .i32)
        for value in values { zigzag(Int64(value)) }
    }

    mutating func strings(_ field: Int, _ texts: [String]) {
        begin(field, .list)
        listHeader(texts.count, .binary)
        for text in texts { binary(text) }
    }

    /// Ends the current struct.
    mutating func end() { bytes.append(0) }

    private mutating func nested(_ write: (inout ThriftWriter) -> Void) {
        lastFields.append(0)
        write(&self)
        lastFields.removeLast()
        bytes.append(0)
    }

    private mutating func begin(_ field: Int, _ kind: Kind) {
        let delta = field - lastFields[lastFields.count - 1]
        precondition(delta > 0 && delta < 16, "fields are written in order")
        lastFields[lastFields.count - 1] = field
        bytes.append(UInt8(delta) << 4 | kind.rawValue)
    }

    private mutating func listHeader(_ count: Int, _ kind: Kind) {
        if count < 15 {
            bytes.append(UInt8(count) << 4 | kind.rawValue)
        } else {
            bytes.append(0xF0 | kind.rawValue)
            Self.appendVarint(UInt64(count), to: &bytes)
        }
    }

    private mutating func binary(_ text: String) {
        Self.appendVarint(UInt64(text.utf8.count), to: &bytes)
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func zigzag(_ value: Int64) {
        Self.appendVarint(UInt64(bitPattern: value << 1 ^ value >> 63), to: &bytes)
    }

    /// Seven bits per byte, lowest first; the top bit says that more follow.
    static func appendVarint(_ value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
