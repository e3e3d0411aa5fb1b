/// One line of the schema as the file lists it: the tree of columns, depth first.
struct ParquetSchemaElement {
    private enum Repetition: Int32 {
        case required = 0
        case optional, repeated
    }

    private var name: String
    private var repetition: Repetition?
    private var type: ParquetType?
    private var children: Int32 = 0
    private var isList = false

    static func list(_ columns: [ParquetColumn]) -> [ParquetSchemaElement] {
        var root = ParquetSchemaElement(name: "schema")
        root.children = Int32(columns.count)
        return [root] + columns.flatMap(elements)
    }

    private static func elements(_ column: ParquetColumn) -> [ParquetSchemaElement] {
        switch column.shape {
        case .single(let type): [leaf(column.name, type)]
        case .list(let type): listHead(column.name) + [leaf("element", type)]
        case .objects(let members):
            listHead(column.name)
                + [ParquetSchemaElement(name: "element", repetition: .optional, children: Int32(members.count))]
                + members.map { leaf($0.name, $0.type) }
        }
    }

    private static func leaf(_ name: String, _ type: ParquetType) -> ParquetSchemaElement {
        ParquetSchemaElement(name: name, repetition: .optional, type: type)
    }

    /// A list is a group around a repeated group around its element.
    private static func listHead(_ name: String) -> [ParquetSchemaElement] {
        [
            ParquetSchemaElement(name: name, repetition: .optional, children: 1, isList: true),
            ParquetSchemaElement(name: "list", repetition: .repeated, children: 1),
        ]
    }

    private init(
        name: String, repetition: Repetition? = nil, type: ParquetType? = nil, children: Int32 = 0, isList: Bool = false
    ) {
        self.name = name
        self.repetition = repetition
        self.type = type
        self.children = children
        self.isList = isList
    }

    /// The physical type's number.
    static func number(of type: ParquetType) -> Int32 {
        switch type {
        case .boolean: 0
        case .integer: 2
        case .double: 5
        case .string: 6
        }
    }

    private static let convertedUTF8: Int32 = 0
    private static let convertedList: Int32 = 3

    func write(_ thrift: inout ThriftWriter) {
        if let type { thrift.i32(1, Self.number(of: type)) }
        if let repetition { thrift.i32(3, repetition.rawValue) }
        thrift.string(4, name)
        if children > 0 { thrift.i32(5, children) }
        if type == .string {
            thrift.i32(6, Self.convertedUTF8)
            thrift.structure(10) { $0.structure(1) { _ in } }
        } else if isList {
            thrift.i32(6, Self.convertedList)
            thrift.structure(10) { $0.structure(3) { _ in } }
        }
    }
}
