internal import JSONText

extension Template {
    /// The maximum size of a rendered prompt, in bytes of JSON, attachments included.
    static let renderedBytesMax = 64 << 20
    /// Maximum steps per row: nodes visited, and pieces of texts parsed as JSON.
    static let stepsMax = 10_000_000
    /// Bytes of a text parsed as JSON that count as one step.
    static let bytesPerStep = 4

    /// Renders one row. Values are inserted in their escaped form; nothing is decoded.
    func render(_ fields: RowFields, stepsMax: Int = stepsMax) throws(RowFault) -> PromptRow.Shape {
        var renderer = TemplateRenderer(fields, stepsMax: stepsMax)
        try renderer.render(nodes)
        return try renderer.shape()
    }

    /// The fields that the template names anywhere and that the row lacks.
    func absent(in fields: RowFields) -> [String] {
        let renderer = TemplateRenderer(fields)
        var names: Set<String> = []
        Self.visit(nodes) { field in
            if !field.isOfLoop, renderer.value(field) == nil { names.insert(field.text) }
        }
        return names.sorted()
    }

    /// The fields that the template requires and that the row lacks.
    func missing(in fields: RowFields) -> [String] {
        let renderer = TemplateRenderer(fields)
        var names: [String] = []
        for node in nodes {
            let field: Field
            switch node {
            case .field(let one) where one.standIn == nil: field = one
            case .loop(let list, _, _): field = list
            default: continue
            }
            if renderer.value(field) == nil, !names.contains(field.text) { names.append(field.text) }
        }
        return names
    }
}

/// Counts the steps of one row, shared by all parts of its rendering.
private final class StepCount {
    private var steps = 0
    private let stepsMax: Int

    init(max: Int) { stepsMax = max }

    var isTooMuch: Bool { steps > stepsMax }

    func step() { steps += 1 }

    /// Parses the JSON that a text holds; nil if it is not JSON, or if the step limit is reached.
    func parse(textOf value: JSONValue) -> JSONValue? {
        steps += 1 + value.raw.count / Template.bytesPerStep
        guard !isTooMuch, let text = value.stringBytes else { return nil }
        return try? JSONParser().parse(text).root
    }
}

/// Renders a template for one row.
struct TemplateRenderer {
    /// An element of a list and its index.
    private struct Element {
        var value: JSONValue
        var index: Int
        var count: Int
    }

    private let fields: RowFields
    private var elements: [Element] = []
    private let steps: StepCount

    /// The turns rendered so far, without the closing bracket.
    private var turns: [UInt8] = []
    private var role: String?
    /// The current turn's text, as the inside of a JSON string, and how many bytes at its end are empty lines.
    private var text: [UInt8] = []
    private var blankAfter = 0
    private var hasText = false
    /// The parts before the text, separated by commas.
    private var parts: [UInt8] = []

    init(_ fields: RowFields, stepsMax: Int = Template.stepsMax) {
        self.init(fields, StepCount(max: stepsMax))
    }

    private init(_ fields: RowFields, _ steps: StepCount) {
        self.fields = fields
        self.steps = steps
    }

    mutating func render(_ nodes: [Template.Node]) throws(RowFault) {
        for node in nodes {
            steps.step()
            guard !steps.isTooMuch, turns.count + parts.count + text.count <= Template.renderedBytesMax else {
                throw Self.tooMuch
            }
            switch node {
            case .literal(let literal): append(literal)
            case .field(let field): try append(field)
            case .turn(let role):
                endTurn()
                self.role = role
            case .choice(let condition, let nodes, let otherwise):
                try render(holds(condition) ? nodes : otherwise)
            case .loop(let field, let nodes, let otherwise): try loop(field, nodes, otherwise)
            case .attachment(let kind, let path): try attach(kind, path)
            }
        }
    }

    private static let tooMuch = RowFault(
        "the template makes more than \(Template.renderedBytesMax >> 20) MiB or \(Template.stepsMax) steps of the row",
        remedy: "Look at its {{#each}} blocks.")

    /// The result: turns, or a prompt if no turn is marked and nothing is attached.
    mutating func shape() throws(RowFault) -> PromptRow.Shape {
        if turns.isEmpty, role == nil, parts.isEmpty, hasText {
            let prompt = [UInt8(ascii: "\"")] + text.dropLast(blankAfter) + [UInt8(ascii: "\"")]
            return .prompt(prompt[...])
        }
        endTurn()
        guard !turns.isEmpty else {
            throw RowFault(
                "the template leaves nothing of the row", remedy: "Look at its {{#if}} and {{#each}} blocks.")
        }
        return .chat(messages: (turns + [UInt8(ascii: "]")])[...])
    }

    // MARK: Turns

    private mutating func endTurn() {
        defer {
            (text, hasText, blankAfter, parts) = ([], false, 0, [])
        }
        guard hasText || !parts.isEmpty else { return }
        turns += (turns.isEmpty ? #"[{"role":""# : #",{"role":""#).utf8
        turns += (role ?? "user").utf8
        turns += #"","content":"#.utf8
        if parts.isEmpty {
            turns.append(UInt8(ascii: "\""))
            turns += text.dropLast(blankAfter)
            turns.append(UInt8(ascii: "\""))
        } else {
            endPart()
            turns.append(UInt8(ascii: "["))
            turns += parts
            turns.append(UInt8(ascii: "]"))
        }
        turns.append(UInt8(ascii: "}"))
    }

    /// Appends the current text as a part, unless it is empty.
    private mutating func endPart() {
        let content = text.dropLast(blankAfter)
        if !content.isEmpty {
            if !parts.isEmpty { parts.append(UInt8(ascii: ",")) }
            parts += #"{"type":"text","text":""#.utf8 + content + #""}"#.utf8
        }
        (text, hasText, blankAfter) = ([], false, 0)
    }

    private mutating func append(_ literal: Template.Literal) {
        let shown = hasText ? literal.text[...] : literal.text.dropFirst(literal.blankBefore)
        guard !shown.isEmpty else { return }
        text += shown
        blankAfter = literal.isBlank ? blankAfter + literal.text.count : literal.blankAfter
        hasText = true
    }

    private mutating func append(_ field: Template.Field) throws(RowFault) {
        (hasText, blankAfter) = (true, 0)
        if let number = number(field) {
            text += String(number).utf8
            return
        }
        guard let value = value(field), value.kind != .null else {
            guard let standIn = field.standIn else { throw fault(field) }
            append(json: standIn[...], asJSON: field.isJSON)
            return
        }
        append(json: value.raw, asJSON: field.isJSON)
    }

    /// Appends a string's content; any other value, and a value for `json`, as its JSON text.
    private mutating func append(json: ArraySlice<UInt8>, asJSON: Bool) {
        if json.first == UInt8(ascii: "\""), !asJSON {
            text += json.dropFirst().dropLast()
        } else {
            JSONString.appendContent(json, to: &text)
        }
    }

    private mutating func attach(_ kind: Template.Attachment, _ path: [Template.Node]) throws(RowFault) {
        var inner = TemplateRenderer(fields, steps)
        inner.elements = elements
        try inner.render(path)
        let name = JSONString.unescape(inner.text[...])
        let part = try AttachedFile.part(String(decoding: name, as: UTF8.self), kind)
        endPart()
        if !parts.isEmpty { parts.append(UInt8(ascii: ",")) }
        parts += part
    }

    // MARK: Blocks

    private mutating func loop(
        _ field: Template.Field, _ nodes: [Template.Node], _ otherwise: [Template.Node]
    ) throws(RowFault) {
        guard let value = value(field) else { throw fault(field) }
        var list = value
        // In a column of a table, a list is a text.
        if value.kind == .string, let root = steps.parse(textOf: value) { list = root }
        if steps.isTooMuch { throw Self.tooMuch }
        if value.kind == .null || value.kind == .string && value.rawStringContent?.isEmpty == true {
            return try render(otherwise)
        }
        guard list.kind == .array else {
            throw RowFault(
                "the template's list '\(field.text)' is \(value.kindName)", at: value, remedy: "Give it an array.")
        }
        let values = list.elements
        guard !values.isEmpty else { return try render(otherwise) }
        for (index, value) in values.enumerated() {
            elements.append(Element(value: value, index: index, count: values.count))
            try render(nodes)
            elements.removeLast()
        }
    }

    private func holds(_ condition: Template.Condition) -> Bool {
        condition.isNegated != isMet(condition)
    }

    private func isMet(_ condition: Template.Condition) -> Bool {
        let field = condition.field
        if field.name.first == UInt8(ascii: "@"), let element = elements.last {
            let number: Bool? =
                switch field.text {
                case "@first": element.index == 0
                case "@last": element.index == element.count - 1
                default: nil
                }
            if let number, condition.equals == nil { return number }
            if let place = self.number(field) {
                return condition.equals.map { $0.elementsEqual(String(place).utf8) } ?? (place != 0)
            }
        }
        guard let value = value(field) else {
            return condition.equals.map { $0.elementsEqual("null".utf8) } ?? false
        }
        guard let equals = condition.equals else { return Self.isAnything(value) }
        guard let other = try? JSONParser().parse(equals).root else { return false }
        if let text = value.stringBytes {
            return other.stringBytes.map { $0 == text } ?? other.raw.elementsEqual(text)
        }
        if let number = value.double, let otherNumber = other.double { return number == otherNumber }
        return value.raw.elementsEqual(other.raw)
    }

    private static func isAnything(_ value: JSONValue) -> Bool {
        switch value.kind {
        case .null: false
        case .boolean: value.bool ?? false
        case .number: value.double != 0
        case .string: value.rawStringContent?.isEmpty == false
        case .array: !value.elements.isEmpty
        case .object: !value.members.isEmpty
        }
    }

    // MARK: Values

    /// The value of `@index` or `@number` in a loop.
    private func number(_ field: Template.Field) -> Int? {
        guard field.name.first == UInt8(ascii: "@"), let element = elements.last else { return nil }
        switch field.text {
        case "@index": return element.index
        case "@number": return element.index + 1
        default: return nil
        }
    }

    /// The field's value: from the innermost element that has it, else from the row.
    func value(_ field: Template.Field) -> JSONValue? {
        if field.isOfLoop, field.name.first != UInt8(ascii: "@"), let element = elements.last {
            return walk(element.value, field.path.dropFirst())
        }
        for element in elements.reversed() where element.value.kind == .object {
            if let value = element.value.member(field.name) { return value }
            if field.path.count > 1, let root = element.value.member(field.path[0]) {
                return walk(root, field.path.dropFirst())
            }
        }
        if let value = fields.value(named: field.name) { return value }
        guard field.path.count > 1, let root = fields.value(named: field.path[0]) else { return nil }
        return walk(root, field.path.dropFirst())
    }

    private func walk(_ value: JSONValue, _ path: ArraySlice<[UInt8]>) -> JSONValue? {
        var value: JSONValue? = value
        for part in path { value = value.flatMap { member(part, of: $0) } }
        return value
    }

    /// A member of an object, or of the object that a text holds: records keep their metadata as text.
    private func member(_ name: [UInt8], of value: JSONValue) -> JSONValue? {
        guard let text = value.rawStringContent, text.first == UInt8(ascii: "{") else { return value.member(name) }
        return steps.parse(textOf: value)?.member(name)
    }

    private func fault(_ field: Template.Field) -> RowFault {
        if steps.isTooMuch { return Self.tooMuch }
        let name = field.text
        if let value = value(field), value.kind == .null {
            let remedy = "Give it a value; an empty string leaves its place empty. {{\(name) ?? \"\"}} does without."
            // Offsets within an element parsed from a text are not offsets in the row.
            return elements.isEmpty
                ? RowFault("the template's field '\(name)' is null", at: value, remedy: remedy)
                : RowFault("the template's field '\(name)' is null", remedy: remedy)
        }
        return RowFault(
            "the template's field '\(name)' is not in the row", cause: fields.inventory,
            remedy: "Add the field to the row, or correct the placeholder {{\(name)}}.")
    }
}
