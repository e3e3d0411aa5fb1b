import Basics
import CYAML

/// The entries of a YAML file that is one mapping of names to scalars or to lists of scalars, in their order.
struct YAMLEntries {
    struct Scalar: Hashable {
        var text: String
        /// 1-based.
        var line: Int
    }

    struct Entry: Hashable {
        var name: Scalar
        /// One for a scalar, any number for a list.
        var values: [Scalar]
        var isList: Bool
    }

    private(set) var entries: [Entry] = []
    private let name: String

    /// Reads a text. Throws `.configuration` at `name:line:column` where it is not YAML, and at `name:line` where it
    /// holds more than names with scalars and lists.
    init(parsing text: [UInt8], name: String) throws(RetortError) {
        self.name = name
        var parser = yaml_parser_t()
        guard yaml_parser_initialize(&parser) == 1 else { fatalError("out of memory") }
        defer { yaml_parser_delete(&parser) }
        let events = try text.withUnsafeBufferPointer { buffer throws(RetortError) in
            yaml_parser_set_input_string(&parser, buffer.baseAddress, buffer.count)
            return try Self.events(&parser, name)
        }
        try build(events)
    }

    private enum Event {
        case scalar(Scalar)
        case list(Int)
        case listEnd
        case mapping(Int)
        case mappingEnd
        case alias(Int)
        case document(Int)
    }

    private static func events(_ parser: inout yaml_parser_t, _ name: String) throws(RetortError) -> [Event] {
        var events: [Event] = []
        while true {
            var event = yaml_event_t()
            guard yaml_parser_parse(&parser, &event) == 1 else { throw problem(parser, name) }
            defer { yaml_event_delete(&event) }
            let line = Int(event.start_mark.line) + 1
            switch event.type {
            case YAML_SCALAR_EVENT:
                let scalar = event.data.scalar
                let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
                events.append(.scalar(Scalar(text: String(decoding: bytes, as: UTF8.self), line: line)))
            case YAML_SEQUENCE_START_EVENT: events.append(.list(line))
            case YAML_SEQUENCE_END_EVENT: events.append(.listEnd)
            case YAML_MAPPING_START_EVENT: events.append(.mapping(line))
            case YAML_MAPPING_END_EVENT: events.append(.mappingEnd)
            case YAML_ALIAS_EVENT: events.append(.alias(line))
            case YAML_DOCUMENT_START_EVENT: events.append(.document(line))
            case YAML_STREAM_END_EVENT: return events
            default: break
            }
        }
    }

    private static func problem(_ parser: yaml_parser_t, _ name: String) -> RetortError {
        let mark = parser.problem_mark
        let cause = parser.problem.map { String(cString: $0) }
        return RetortError(
            .configuration, "the job file is not YAML", at: "\(name):\(mark.line + 1):\(mark.column + 1)", cause: cause)
    }

    private mutating func build(_ events: [Event]) throws(RetortError) {
        var rest = events[...]
        guard case .document = rest.popFirst(), case .mapping = rest.popFirst() else {
            throw wrong("a job file is a mapping of option names to values", 1)
        }
        while let event = rest.popFirst() {
            switch event {
            case .mappingEnd:
                guard rest.isEmpty else { throw wrong("a job file is one document", line(of: rest.first)) }
                return
            case .scalar(let key): try append(key, &rest)
            default: throw wrong("a name of an option is expected", line(of: event))
            }
        }
    }

    private mutating func append(_ key: Scalar, _ rest: inout ArraySlice<Event>) throws(RetortError) {
        if let other = entries.first(where: { $0.name.text == key.text }) {
            throw wrong("\(key.text) stands in line \(other.name.line) already", key.line)
        }
        switch rest.popFirst() {
        case .scalar(let value): entries.append(Entry(name: key, values: [value], isList: false))
        case .list:
            var values: [Scalar] = []
            while let event = rest.popFirst() {
                if case .listEnd = event { break }
                guard case .scalar(let value) = event else {
                    throw wrong("a list holds plain values only", line(of: event))
                }
                values.append(value)
            }
            entries.append(Entry(name: key, values: values, isList: true))
        case let event: throw wrong("the value of \(key.text) is neither plain nor a list", line(of: event) ?? key.line)
        }
    }

    private func line(of event: Event?) -> Int? {
        switch event {
        case .scalar(let scalar): scalar.line
        case .list(let line), .mapping(let line), .alias(let line), .document(let line): line
        case .listEnd, .mappingEnd, nil: nil
        }
    }

    private func wrong(_ message: String, _ line: Int?) -> RetortError {
        RetortError(
            .configuration, message, at: line.map { "\(name):\($0)" } ?? name,
            remedy: "Write lines such as `model: deepseek-chat`, with the names of `retort run --help`.")
    }
}
