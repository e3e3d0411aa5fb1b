internal import JSONText

/// Reads Anthropic's messages.
enum MessageReader {
    static func read(_ root: JSONValue, _ content: JSONValue, _ body: [UInt8]) -> ParsedBody {
        var draft = AnswerDraft()
        draft.parts.read(content)
        draft.read(reason: root["stop_reason"])
        draft.read(model: root["model"])
        draft.read(usage: root["usage"])
        let details = root["stop_details"]
        let notes = [details?["category"], details?["explanation"]].compactMap {
            $0?.string(prefixBytesMax: Excerpt.bytesScannedMax)
        }
        draft.refusalNote = notes.joined(separator: ": ")
        draft.other.addMembers(of: root, except: envelope)
        return draft.judged(body)
    }

    private static let envelope: JSONNames = [
        "id", "type", "role", "model", "content", "stop_reason", "usage", "error", "request_id",
    ]
}

/// Reads answers of OpenAI's Responses API.
enum ResponsesReader {
    static func read(_ root: JSONValue, _ output: JSONValue, _ body: [UInt8]) -> ParsedBody {
        let status = root["status"]?.string(prefixBytesMax: FinishReason.wordBytesMax) ?? ""
        if ["in_progress", "queued", "cancelled", "failed"].contains(status) {
            return .sick("the answer is not complete (status \(status))")
        }
        var draft = AnswerDraft()
        var items: [ArraySlice<UInt8>] = []
        output.forEachElement { item in
            read(item, &draft, &items)
            return true
        }
        draft.other.add("output", list: items, isContent: true)
        // Some gateways say the text only where libraries do.
        if draft.parts.text.isMissing { draft.parts.text.add(root["output_text"]) }
        draft.read(model: root["model"])
        draft.read(usage: root["usage"])
        draft.read(tier: root["service_tier"])
        draft.reason = draft.parts.calls.isEmpty ? "stop" : "tool_calls"
        if status == "incomplete" { draft.read(reason: root["incomplete_details"]?["reason"]) }
        return draft.judged(body)
    }

    private static func read(_ item: JSONValue, _ draft: inout AnswerDraft, _ others: inout [ArraySlice<UInt8>]) {
        let type = item["type"]
        func isOf(_ name: StaticString) -> Bool { type?.isText(name) ?? false }
        if isOf("message") {
            draft.parts.read(item["content"])
        } else if isOf("reasoning") {
            var taken: [StaticString] = []
            for place in ["summary", "content"] as [StaticString] {
                guard let value = item[place] else { continue }
                if ContentParts.addTexts(of: value, to: &draft.parts.reasoning) { taken.append(place) }
            }
            if let rest = item.leftover(without: taken) { draft.parts.others.append(rest) }
        } else if isOf("function_call") || isOf("custom_tool_call") {
            draft.parts.calls.append(item.raw)
        } else if !item.isBlank {
            others.append(item.raw)
        }
    }
}
