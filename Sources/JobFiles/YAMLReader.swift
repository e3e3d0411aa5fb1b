public import Basics
internal import CYAML

/// Reads YAML files of one document into a tree.
public struct YAMLReader {
    /// Maximum bytes of a file.
    public static let bytesMax = 1 << 20
    /// Maximum nesting of lists and mappings.
    static let depthMax = 32
    /// Maximum scalars, lists and mappings of one file.
    static let nodesMax = 100_000

    private enum Event {
        case scalar(YAMLNode)
        case list(YAMLNode)
        case listEnd
        case map(YAMLNode)
        case mapEnd
        case alias(YAMLNode)
        case document(YAMLNode)
    }

    private let file: String
    private var events: ArraySlice<Event> = []
    private var nodes = 0
    private var problems: [RetortError] = []

    /// The root, nil if there is no usable one. Errors are added to `problems`: invalid YAML, at `file:line:column`,
    /// ends reading; duplicate names do not.
    public static func read(_ text: String, file: String, problems: inout [RetortError]) -> YAMLNode? {
        var reader = YAMLReader(file: file)
        defer { problems += reader.problems }
        guard text.utf8.count <= bytesMax else {
            reader.problems.append(
                RetortError(.configuration, "the file is longer than \(bytesMax) bytes", at: file))
            return nil
        }
        do throws(RetortError) {
            try reader.parse(Array(text.utf8))
            return try reader.root()
        } catch {
            reader.problems.append(error)
            return nil
        }
    }

    private init(file: String) { self.file = file }

    private mutating func parse(_ text: [UInt8]) throws(RetortError) {
        var parser = yaml_parser_t()
        guard yaml_parser_initialize(&parser) == 1 else { fatalError("out of memory") }
        defer { yaml_parser_delete(&parser) }
        let found = try text.withUnsafeBufferPointer { buffer throws(RetortError) in
            yaml_parser_set_input_string(&parser, buffer.baseAddress, buffer.count)
            return try scan(&parser)
        }
        events = found[...]
    }

    private func scan(_ parser: inout yaml_parser_t) throws(RetortError) -> [Event] {
        var events: [Event] = []
        var depth = 0
        while true {
            var event = yaml_event_t()
            guard yaml_parser_parse(&parser, &event) == 1 else { throw notYAML(parser) }
            defer { yaml_event_delete(&event) }
            var node = YAMLNode(
                content: .list([]), file: file, line: Int(clamping: event.start_mark.line) + 1,
                column: Int(clamping: event.start_mark.column) + 1)
            switch event.type {
            case YAML_SCALAR_EVENT:
                let scalar = event.data.scalar
                let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
                node.content = .scalar(
                    String(decoding: bytes, as: UTF8.self),
                    isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE && scalar.tag == nil)
                node.isBlock = scalar.style == YAML_LITERAL_SCALAR_STYLE
                events.append(.scalar(node))
            case YAML_SEQUENCE_START_EVENT, YAML_MAPPING_START_EVENT: depth += 1
            case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: depth -= 1
            default: break
            }
            // Checked here rather than in the tree: libyaml's time grows with the square of the depth.
            guard depth <= Self.depthMax else {
                throw wrong("values are nested deeper than \(Self.depthMax)", node.place)
            }
            guard events.count <= 2 * Self.nodesMax else {
                throw wrong("the file has more than \(Self.nodesMax) values", node.place)
            }
            switch event.type {
            case YAML_SEQUENCE_START_EVENT: events.append(.list(node))
            case YAML_SEQUENCE_END_EVENT: events.append(.listEnd)
            case YAML_MAPPING_START_EVENT: events.append(.map(node))
            case YAML_MAPPING_END_EVENT: events.append(.mapEnd)
            case YAML_ALIAS_EVENT: events.append(.alias(node))
            case YAML_DOCUMENT_START_EVENT: events.append(.document(node))
            case YAML_STREAM_END_EVENT: return events
            default: break
            }
        }
    }

    private func notYAML(_ parser: yaml_parser_t) -> RetortError {
        let mark = parser.problem_mark
        let cause = parser.problem.map { String(cString: $0) }
        return RetortError(
            .configuration, "the file is not YAML", at: "\(file):\(mark.line + 1):\(mark.column + 1)", cause: cause)
    }

    // MARK: The tree

    private mutating func root() throws(RetortError) -> YAMLNode {
        guard case .document = events.popFirst(), let first = events.popFirst(), case .map(let node) = first else {
            throw wrong("the file is not a mapping of names to values", "\(file):1:1")
        }
        let root = try map(node, depth: 1)
        if case .document(let next) = events.first {
            throw wrong(
                "the file has a second document", next.place, "Use one file for each, or sections under `jobs:`.")
        }
        return root
    }

    private mutating func map(_ start: YAMLNode, depth: Int) throws(RetortError) -> YAMLNode {
        var members: [YAMLNode.Member] = []
        var lines: [String: Int] = [:]
        while let event = events.popFirst() {
            switch event {
            case .mapEnd:
                var map = start
                map.content = .map(members)
                return map
            case .scalar(let key):
                guard let next = events.popFirst() else { break }
                let value = try node(next, depth: depth + 1)
                let name = key.text ?? ""
                if let line = lines.updateValue(key.line, forKey: name) {
                    problems.append(wrong("\(name) is in line \(line) already", key.place, "Keep one."))
                } else {
                    members.append(YAMLNode.Member(key: key, value: value))
                }
            case .list(let node), .map(let node), .alias(let node), .document(let node):
                throw wrong("the name of a value is not a text", node.place)
            case .listEnd: break
            }
        }
        throw wrong("the file ends within a mapping", start.place)
    }

    private mutating func node(_ event: Event, depth: Int) throws(RetortError) -> YAMLNode {
        nodes += 1
        switch event {
        case .scalar(let node), .list(let node), .map(let node), .alias(let node), .document(let node):
            guard nodes <= Self.nodesMax else {
                throw wrong("the file has more than \(Self.nodesMax) values", node.place)
            }
            guard depth <= Self.depthMax else {
                throw wrong("values are nested deeper than \(Self.depthMax)", node.place)
            }
        case .listEnd, .mapEnd: break
        }
        switch event {
        case .scalar(let node): return node
        case .map(let node): return try map(node, depth: depth)
        case .list(var list):
            var elements: [YAMLNode] = []
            while let event = events.popFirst() {
                if case .listEnd = event {
                    list.content = .list(elements)
                    return list
                }
                elements.append(try node(event, depth: depth + 1))
            }
            throw wrong("the file ends within a list", list.place)
        case .alias(let node):
            throw wrong("aliases (*name) are not understood", node.place, "Write the value out.")
        case .listEnd, .mapEnd, .document: throw wrong("the file ends within a value", file)
        }
    }

    private func wrong(_ message: String, _ place: String, _ remedy: String? = nil) -> RetortError {
        RetortError(
            .configuration, message, at: place,
            remedy: remedy ?? "Write lines such as `model: deepseek-chat`, with the names of `retort run --help`.")
    }
}
