/// The types of single values.
public enum ParquetType: Sendable, Hashable {
    /// UTF-8.
    case string
    /// 64 bits, signed.
    case integer
    /// 64 bits, IEEE 754.
    case double
    case boolean
}

/// One column of a table. Every value may be null.
public struct ParquetColumn: Sendable, Hashable {
    public enum Shape: Sendable, Hashable {
        case single(ParquetType)
        case list(ParquetType)
        /// A list of objects whose members are single values, such as the turns of a conversation.
        case objects([Member])
    }

    /// A member of the objects of a list.
    public struct Member: Sendable, Hashable {
        public var name: String
        public var type: ParquetType

        public init(_ name: String, _ type: ParquetType) {
            self.name = name
            self.type = type
        }
    }

    public var name: String
    public var shape: Shape

    public init(_ name: String, _ shape: Shape) {
        self.name = name
        self.shape = shape
    }
}

/// A value of one column in one row.
public enum ParquetValue: Sendable {
    case null
    /// UTF-8, which the caller ensures.
    case string(ArraySlice<UInt8>)
    case integer(Int64)
    case double(Double)
    case boolean(Bool)
    /// For columns that are lists: single values.
    case list([ParquetValue])
    /// For columns of objects: the members of each, in the column's order.
    case objects([[ParquetValue]])
}
