import Dataset
package import JSONText
package import ModelAPI
package import SegmentStore

/// Rebuilds an answer from its record.
package struct StoredAnswer {
    private let record: StoredRecord

    package init(_ record: StoredRecord) { self.record = record }

    /// The answer by the rules of this run; nil if it does not satisfy them.
    ///
    /// - Parameter name: the source that the new record names.
    package func answer(
        from name: String, _ classifier: Classifier, needsVerdict: Bool, with parser: JSONParser
    ) -> ModelAnswer? {
        guard let root = try? parser.parse(record.line).root else { return nil }
        let view = RecordView(root)
        let verdict = view.json(.verdict)
        if needsVerdict, verdict.isEmpty { return nil }
        let own = view.member(.answerBody)?.stringBytes ?? []
        let reply = ModelReply(status: 200, body: own.isEmpty ? Self.body(view) : own)
        let other = Self.otherParts(view.json(.other), with: parser)
        guard case .answer(let answer) = classifier.classify(.success(reply), with: parser) else { return nil }
        return answer.reused(
            from: name, verdict: needsVerdict ? verdict[...] : nil,
            other: own.isEmpty && !other.isEmpty ? other[...] : nil)
    }

    /// A reply in the form of OpenAI's chat API with the record's content.
    private static func body(_ view: RecordView) -> [UInt8] {
        var body = Array(#"{"choices":[{"index":0,"message":{"role":"assistant","content":"#.utf8)
        body += view.token(.response)
        if view.token(.reasoning).count > 2 { body += Array(#","reasoning_content":"#.utf8) + view.token(.reasoning) }
        let calls = view.json(.toolCalls)
        if !calls.isEmpty { body += Array(#","tool_calls":"#.utf8) + calls }
        body += Array(#"},"finish_reason":"#.utf8)
        body += view.token(.finishReason)
        body += Array(#"}],"model":"#.utf8)
        body += view.token(.model)
        return body + [0x7D]
    }

    /// The parts of the answer that have no member, without the notes of the record itself.
    private static func otherParts(_ json: [UInt8], with parser: JSONParser) -> [UInt8] {
        guard !json.isEmpty, let root = try? parser.parse(json).root else { return [] }
        let own = Set(OtherParts.Note.allCases.map(\.rawValue) + [OtherParts.costName])
        var output: [UInt8] = []
        for (key, value) in root.members {
            guard let name = key.string, !own.contains(name), !name.hasSuffix("_as_received") else { continue }
            output.append(output.isEmpty ? 0x7B : 0x2C)
            output += Array(key.raw) + [0x3A] + Array(value.raw)
        }
        return output.isEmpty ? [] : output + [0x7D]
    }
}
