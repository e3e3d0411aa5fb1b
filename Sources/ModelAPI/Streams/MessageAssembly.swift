internal import JSONText

/// Joins the events of Anthropic's streams.
struct MessageAssembly {
    static let types: Set<String> = [
        "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
        "message_stop", "ping",
    ]

    private struct Block {
        var members = LastMembers()
        var text: [UInt8]?
        var thinking: [UInt8]?
        var signature: [UInt8] = []
        /// A tool's input, the text of JSON as the content of a JSON string.
        var input: [UInt8] = []
        /// The input at the start of the block.
        var inputGiven: ArraySlice<UInt8> = []
        var citations: [ArraySlice<UInt8>] = []
    }

    private var blocks: [Block] = []
    private var places: [Int: Int] = [:]
    private var members = LastMembers()
    private var usage = LastMembers()
    private(set) var isComplete = false
    private var hasBegun = false

    mutating func add(_ root: JSONValue, _ type: String) {
        hasBegun = hasBegun || type != "ping"
        switch type {
        case "message_start":
            let message = root["message"]
            members.add(message, except: ["content", "usage"])
            usage.add(message?["usage"])
            message?["content"]?.forEachElement { block in
                start(blocks.count, block)
                return true
            }
        case "content_block_start": start(root["index"]?.int ?? blocks.count, root["content_block"])
        case "content_block_delta":
            if let delta = root["delta"] { add(delta, to: root["index"]?.int ?? max(0, blocks.count - 1)) }
        case "message_delta":
            members.add(root["delta"])
            usage.add(root["usage"])
            if root["delta"]?["stop_reason"]?.kind == .string { isComplete = true }
        case "message_stop": isComplete = true
        default: break
        }
    }

    private mutating func place(of index: Int) -> Int {
        if let place = places[index] { return place }
        places[index] = blocks.count
        blocks.append(Block())
        return blocks.count - 1
    }

    private mutating func start(_ index: Int, _ block: JSONValue?) {
        let place = place(of: index)
        blocks[place].members.add(block, except: ["text", "thinking", "signature", "input", "citations"])
        if let text = block?["text"]?.rawStringContent { blocks[place].text = Array(text) }
        if let thinking = block?["thinking"]?.rawStringContent { blocks[place].thinking = Array(thinking) }
        if let signature = block?["signature"]?.rawStringContent { blocks[place].signature = Array(signature) }
        if let input = block?["input"] { blocks[place].inputGiven = input.raw }
    }

    private mutating func add(_ delta: JSONValue, to index: Int) {
        let place = place(of: index)
        if let text = delta["text"]?.rawStringContent {
            if blocks[place].text == nil { blocks[place].text = [] }
            blocks[place].text? += text
        }
        if let thinking = delta["thinking"]?.rawStringContent {
            if blocks[place].thinking == nil { blocks[place].thinking = [] }
            blocks[place].thinking? += thinking
        }
        if let signature = delta["signature"]?.rawStringContent { blocks[place].signature += signature }
        if let input = delta["partial_json"]?.rawStringContent { blocks[place].input += input }
        if let citation = delta["citation"], !citation.isBlank { blocks[place].citations.append(citation.raw) }
    }

    /// The whole message; nil if there was none.
    var rendered: [UInt8]? {
        guard hasBegun else { return nil }
        let parser = JSONParser()
        var composer = JSONComposer()
        composer.add("content", list: blocks.map { Self.rendered($0, parser) })
        members.write(to: &composer)
        var counts = JSONComposer()
        usage.write(to: &counts)
        composer.add("usage", raw: counts.closed)
        return composer.closed
    }

    private static func rendered(_ block: Block, _ parser: JSONParser) -> [UInt8] {
        var composer = JSONComposer()
        block.members.write(to: &composer)
        if let text = block.text { composer.add("text", content: text) }
        if let thinking = block.thinking { composer.add("thinking", content: thinking) }
        if !block.signature.isEmpty { composer.add("signature", content: block.signature) }
        if !block.citations.isEmpty { composer.add("citations", list: block.citations) }
        if !block.input.isEmpty {
            let input = JSONString.unescape(block.input[...])
            // Text that is not JSON stays text.
            if (try? parser.parse(input)) != nil {
                composer.add("input", raw: input)
            } else {
                composer.add("input", content: block.input)
            }
        } else if !block.inputGiven.isEmpty {
            composer.add("input", raw: block.inputGiven)
        }
        return composer.closed
    }
}

/// Joins the pieces of Google's streams.
struct CandidateAssembly {
    private struct Candidate {
        var parts: [ArraySlice<UInt8>] = []
        var members = LastMembers()
    }

    private var candidates: [Candidate] = []
    private var places: [Int: Int] = [:]
    private var members = LastMembers()
    private(set) var isComplete = false

    mutating func add(_ root: JSONValue) {
        members.add(root, except: ["candidates"])
        if root["promptFeedback"]?["blockReason"]?.kind == .string { isComplete = true }
        root["candidates"]?.forEachElement { candidate in
            add(candidate: candidate)
            return true
        }
    }

    private mutating func add(candidate: JSONValue) {
        let index = candidate["index"]?.int ?? 0
        let place = places[index] ?? candidates.count
        if place == candidates.count {
            places[index] = place
            candidates.append(Candidate())
        }
        candidates[place].members.add(candidate, except: ["content"])
        candidate["content"]?["parts"]?.forEachElement { part in
            candidates[place].parts.append(part.raw)
            return true
        }
        if candidate["finishReason"]?.kind == .string { isComplete = true }
    }

    var rendered: [UInt8]? {
        if candidates.isEmpty, members.isEmpty { return nil }
        var composer = JSONComposer()
        composer.add(
            "candidates",
            list: candidates.map { candidate in
                var content = JSONComposer()
                content.add("parts", list: candidate.parts)
                var object = JSONComposer()
                object.add("content", raw: content.closed)
                candidate.members.write(to: &object)
                return object.closed
            })
        members.write(to: &composer)
        return composer.closed
    }
}

/// Joins the lines of Ollama's own streams, and the events of llama.cpp's.
struct BareAssembly {
    private var text: [UInt8]?
    private var thinking: [UInt8] = []
    private var calls: [ArraySlice<UInt8>] = []
    private var pieces = PieceLists()
    private var members = LastMembers()
    private(set) var isComplete = false

    mutating func add(_ root: JSONValue) {
        let message = root["message"]
        for holder in [message, root].compactMap(\.self) {
            for place in ["content", "response"] as [StaticString] {
                guard let content = holder[place]?.rawStringContent else { continue }
                if text == nil { text = [] }
                text? += content
            }
            thinking += holder["thinking"]?.rawStringContent ?? []
            holder["tool_calls"]?.forEachElement { call in
                calls.append(call.raw)
                return true
            }
        }
        message?.forEachMember { key, value in
            if !Self.taken.contains(where: key.isText) { pieces.add(key, value) }
            return true
        }
        members.add(root, except: Self.taken)
        if root["done"]?.bool == true || root["stop"]?.bool == true { isComplete = true }
    }

    /// Whether a piece has a flag for the last one, as llama.cpp's do.
    static func isOfLlama(_ root: JSONValue) -> Bool {
        root["stop"]?.kind == .boolean && root["content"]?.kind == .string
    }

    private static let taken: [StaticString] = [
        "message", "content", "response", "thinking", "tool_calls", "role", "done", "stop",
    ]

    var rendered: [UInt8]? {
        guard isComplete || text != nil else { return nil }
        var message = JSONComposer()
        if let text { message.add("content", content: text) }
        if !thinking.isEmpty { message.add("thinking", content: thinking) }
        if !calls.isEmpty { message.add("tool_calls", list: calls) }
        pieces.write(to: &message)
        var composer = JSONComposer()
        composer.add("message", raw: message.closed)
        members.write(to: &composer)
        return composer.closed
    }
}
