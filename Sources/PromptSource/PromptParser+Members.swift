internal import JSONText

/// Members of a row that go into its request beside the prompt: `tools`, `temperature`, `system` and others.
extension PromptParser {
    func readMembers(_ fields: RowFields, _ reading: inout RowReading) throws(RowFault) {
        // A batch row's body is complete; the other members of a record describe its answer.
        guard !reading.isBatch, !fields.present.isDisjoint(with: .wishes) else { return }
        // Tools of a record belong to its own prompt and are dropped when a template makes another one.
        let ofRecord: [RowField] = givenID != nil && template != nil && !continues ? [] : [.tools]
        for field in reading.isRecord ? ofRecord : RowFieldSet.sent {
            guard isWish(field, fields), let value = fields[field] else { continue }
            guard let json = try json(of: field, value) else { continue }
            reading.sent.insert(RowFieldSet(field))
            reading.members.append(PromptRow.Member(name: field.name, value: json))
            switch field {
            case .model: reading.model = value.string
            case .maxTokens, .maxCompletionTokens:
                reading.completionTokensMax = Int(String(decoding: json, as: UTF8.self))
            default: break
            }
        }
        if !reading.isRecord, isWish(.system, fields), let system = fields[.system] {
            try addSystem(system, fields, &reading)
        }
    }

    /// Whether a field goes into the request: it is present, not held back, and not inserted by the template.
    private func isWish(_ field: RowField, _ fields: RowFields) -> Bool {
        fields.present.contains(field) && !metadataOnly.contains(field) && template?.names(field.name) != true
    }

    /// The value to send; nil to send nothing. Throws when the value has the wrong type.
    private func json(of field: RowField, _ value: JSONValue) throws(RowFault) -> ArraySlice<UInt8>? {
        if isOfTexts, value.rawStringContent?.isEmpty == true { return nil }
        switch field {
        case .model, .reasoningEffort:
            return try text(of: field, value)
        case .temperature, .topP:
            let number = try meant(value, field)
            guard let double = number.double, double.isFinite, double >= 0 else {
                throw wrong(field, value, "expected a number from 0 on")
            }
            return number.raw
        case .maxTokens, .maxCompletionTokens, .seed:
            guard let number = try meant(value, field).integer, field == .seed || number > 0 else {
                throw wrong(field, value, field == .seed ? "expected an integer" : "expected a positive integer")
            }
            return Array(String(number).utf8)[...]
        case .n:
            let count = try meant(value, field)
            if count.integer == nil { throw wrong(field, value, "expected 1") }
            do { try checkCount(count) } catch {
                throw RowFault(
                    error.message, at: value,
                    remedy: (error.remedy ?? "") + " If it is a label, give --metadata-only n.")
            }
            return nil
        case .stop: return try stops(value)
        case .tools:
            let tools = try meant(value, field)
            if tools.kind == .string || tools.kind == .array && tools.elements.isEmpty { return nil }
            guard tools.kind == .array, tools.elements.allSatisfy({ $0.kind == .object }) else {
                throw wrong(field, value, "expected an array of objects")
            }
            return ArrayText.onOneLine(Array(tools.raw))[...]
        case .toolChoice:
            let choice = try meant(value, field)
            guard choice.kind == .object || choice.kind == .string else {
                throw wrong(field, value, "expected a word or an object")
            }
            return choice.rawStringContent?.isEmpty == true ? nil : choice.raw
        case .responseFormat:
            let format = try meant(value, field)
            guard format.kind == .object else { throw wrong(field, value, "expected an object") }
            return ArrayText.onOneLine(Array(format.raw))[...]
        case .parallelToolCalls:
            guard let flag = try meant(value, field).bool else { throw wrong(field, value, "expected true or false") }
            return Array((flag ? "true" : "false").utf8)[...]
        default: return nil
        }
    }

    private func text(of field: RowField, _ value: JSONValue) throws(RowFault) -> ArraySlice<UInt8> {
        guard value.kind == .string, value.rawStringContent?.isEmpty == false else {
            throw wrong(field, value, "expected a text")
        }
        return value.raw
    }

    private func stops(_ value: JSONValue) throws(RowFault) -> ArraySlice<UInt8>? {
        let stop = value.rawStringContent?.first == UInt8(ascii: "[") ? try meant(value, .stop) : value
        switch stop.kind {
        case .string: return stop.rawStringContent?.isEmpty == true ? nil : stop.raw
        case .array where stop.elements.allSatisfy { $0.kind == .string }:
            return stop.elements.isEmpty ? nil : stop.raw
        default: throw wrong(.stop, value, "expected a text or an array of texts")
        }
    }

    /// The value that a text holds: a table has only texts, and a list or an object may be kept as text.
    private func meant(_ value: JSONValue, _ field: RowField) throws(RowFault) -> JSONValue {
        guard value.kind == .string, let bytes = value.stringBytes else { return value }
        let first = bytes.first { $0 != 0x20 && $0 != 0x0A }
        let isStructure = first == UInt8(ascii: "[") || first == UInt8(ascii: "{")
        let isStructured: Bool = [.tools, .toolChoice, .responseFormat, .stop].contains(field)
        guard isStructured ? isStructure : isOfTexts else { return value }
        let isPython = bytes.elementsEqual("True".utf8) || bytes.elementsEqual("False".utf8)
        let text = isOfTexts && isPython ? lowercased(bytes) : bytes
        guard let root = try? json.parse(text).root else {
            throw RowFault(
                "\(field.name) is a text that is not JSON", at: value,
                remedy: "Correct it, or give --metadata-only \(field.name) if it is not to be sent.")
        }
        return root
    }

    private func lowercased(_ bytes: [UInt8]) -> [UInt8] { bytes.map { $0 | 0x20 } }

    private func wrong(_ field: RowField, _ value: JSONValue, _ expected: String) -> RowFault {
        let found = value.kind == .string ? "a text" : value.kind == .number ? "\(value.excerpt)" : value.kindName
        return RowFault(
            "\(field.name) is \(found); \(expected)", at: value,
            remedy: "Correct it, or give --metadata-only \(field.name) if it is a label that is not to be sent.")
    }

    // MARK: The system's text

    /// Puts the row's `system` before its turns.
    private func addSystem(
        _ system: JSONValue, _ fields: RowFields, _ reading: inout RowReading
    ) throws(RowFault) {
        guard system.kind == .string || system.kind == .array else {
            throw wrong(.system, system, "expected a text")
        }
        if system.rawStringContent?.isEmpty == true || system.kind == .array && system.elements.isEmpty { return }
        let turn = Array(#"{"role":"system","content":"#.utf8) + system.raw + Array("}".utf8)
        switch reading.shape {
        case .chat(let messages):
            guard let first = try? json.parse(messages).root.firstElement else { return }
            if ["system", "developer"].contains(first["role"]?.string) {
                // A system turn in the template takes precedence.
                if template != nil { return }
                guard first["content"]?.stringBytes == system.stringBytes, system.kind == .string else {
                    throw RowFault(
                        "the row has a system text and messages that begin with another", at: system,
                        remedy: "Keep one, or give --metadata-only system if the field is not to be sent.")
                }
            } else {
                reading.shape = .chat(messages: (Array("[".utf8) + turn + Array(",".utf8) + messages.dropFirst())[...])
            }
        case .prompt(let prompt):
            let user = Array(#",{"role":"user","content":"#.utf8) + prompt + Array("}]".utf8)
            reading.shape = .chat(messages: (Array("[".utf8) + turn + user)[...])
        case .fill, .batch, nil:
            throw RowFault(
                "system cannot be sent with prefix and suffix", at: system,
                remedy: "Leave it out, or give --metadata-only system if it is a label that is not to be sent.")
        }
        reading.sent.insert(RowFieldSet(.system))
        if template == nil { reading.used.insert(RowFieldSet(.system)) }
    }
}

extension JSONValue {
    /// The number as an integer, in whatever form it is written: tables with gaps write 100.0 for 100.
    var integer: Int? {
        if let int { return int }
        guard let double, double.rounded() == double, abs(double) < 9e15 else { return nil }
        return Int(double)
    }

    /// A number's first characters, for a message.
    var excerpt: String { String(decoding: raw.prefix(24), as: UTF8.self) }
}
