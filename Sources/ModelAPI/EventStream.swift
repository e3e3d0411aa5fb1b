internal import JSONText

/// A body of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) holding the chunks of
/// an OpenAI chat or completion, put together into one answer.
enum EventStream {
    static func looksLikeOne(_ body: [UInt8]) -> Bool {
        ["data:", "event:", "id:", ":"].contains { body.starts(with: $0.utf8) }
    }

    static func parse(_ body: [UInt8], with parser: JSONParser) -> ParsedBody {
        var assembly = Assembly()
        for line in body.split(separator: UInt8(ascii: "\n")) {
            guard line.starts(with: "data:".utf8) else { continue }
            var data = line.dropFirst(5)
            while let last = data.last, AnswerParser.isSpace(last) { data = data.dropLast() }
            while let first = data.first, AnswerParser.isSpace(first) { data = data.dropFirst() }
            if data.elementsEqual("[DONE]".utf8) {
                assembly.done = true
                break
            }
            do throws(JSONError) {
                let root = try parser.parse(data).root
                if let error = ErrorBody(root) { return .error(error) }
                assembly.add(root)
            } catch {
                return .unusable("an event of the stream is not whole JSON: \(error): \(Excerpt.text(data))")
            }
        }
        guard assembly.done || !assembly.finishReason.isEmpty else {
            return .unusable("the stream broke off before its end")
        }
        return .answer(assembly.answer(body))
    }

    /// What the chunks have brought so far. Contents stay escaped: pieces of legal JSON strings join to a legal one.
    private struct Assembly {
        var response: [UInt8] = [0x22]
        var reasoning: [UInt8] = [0x22]
        var calls: [Int: Call] = [:]
        var finishReason = ""
        var model = ModelAnswer.emptyString
        var usage = TokenUsage()
        var done = false

        struct Call {
            var id = ModelAnswer.emptyString
            var name = ModelAnswer.emptyString
            var arguments: [UInt8] = []
        }

        mutating func add(_ root: JSONValue) {
            if let value = root["model"], value.kind == .string { model = value.raw }
            if let value = root["usage"], value.kind == .object { usage = AnswerParser.openAIUsage(value) }
            guard let choice = root["choices"]?.firstElement else { return }
            if let reason = choice["finish_reason"]?.string { finishReason = reason }
            if let text = choice["text"]?.rawStringContent { response += text }
            guard let delta = choice["delta"] else { return }
            if let text = delta["content"]?.rawStringContent { response += text }
            if let text = delta["reasoning_content"]?.rawStringContent ?? delta["reasoning"]?.rawStringContent {
                reasoning += text
            }
            for call in delta["tool_calls"]?.elements ?? [] { add(call: call) }
        }

        private mutating func add(call: JSONValue) {
            let index = call["index"]?.int ?? 0
            var known = calls[index] ?? Call()
            if let id = call["id"], id.kind == .string { known.id = id.raw }
            if let name = call["function"]?["name"], name.kind == .string { known.name = name.raw }
            if let text = call["function"]?["arguments"]?.rawStringContent { known.arguments += text }
            calls[index] = known
        }

        func answer(_ body: [UInt8]) -> ModelAnswer {
            ModelAnswer(
                body: body, responseRaw: (response + [0x22])[...], reasoningRaw: (reasoning + [0x22])[...],
                toolCallsRaw: renderedCalls, finishReason: finishReason, modelRaw: model, usage: usage)
        }

        private var renderedCalls: ArraySlice<UInt8>? {
            if calls.isEmpty { return nil }
            var output = Array("[".utf8)
            for (index, call) in calls.sorted(by: { $0.key < $1.key }) {
                if output.count > 1 { output.append(UInt8(ascii: ",")) }
                output += Array(#"{"index":\#(index),"id":"#.utf8) + call.id
                output += Array(#","type":"function","function":{"name":"#.utf8) + call.name
                output += Array(#","arguments":""#.utf8) + call.arguments + Array(#""}}"#.utf8)
            }
            return (output + Array("]".utf8))[...]
        }
    }
}
