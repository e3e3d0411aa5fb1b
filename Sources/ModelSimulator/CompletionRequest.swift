import Basics
import JSONText

/// A request for a completion, of any endpoint.
struct CompletionRequest {
    enum Endpoint: Hashable {
        /// OpenAI's `/v1/chat/completions`.
        case chat
        /// OpenAI's `/v1/completions`.
        case completions
        /// llama.cpp's `/infill`.
        case infill
        /// OpenAI's `/v1/responses`.
        case responses
        /// Anthropic's `/v1/messages`.
        case messages
    }

    let endpoint: Endpoint
    /// The model's name as written: escaped, without quotes.
    let model: ArraySlice<UInt8>
    /// The identity of the prompt: the hash of the raw bytes of `messages`, of `input`, or of `prompt` (and `suffix`).
    let item: UInt64
    /// Total bytes of the prompt's texts.
    let promptBytes: Int
    /// The texts whose words answers quote, one per set of answers: the last message, or each prompt.
    let topics: [ArraySlice<UInt8>]
    /// Number of answers per topic.
    let choices: Int
    let tokensMax: Int?
    let stops: [[UInt8]]
    let form: WantedForm
    let streams: Bool
    let streamIncludesUsage: Bool
    /// The request's own `seed`, which makes samples of one prompt differ.
    let sampleSeed: UInt64
    /// Whether repeating the request gives a different answer: the temperature is above zero and there is no seed.
    let isSampled: Bool
    /// Whether the request selects the flex tier.
    let isFlex: Bool

    static let choicesMax = 128
    static let stopsMax = 16

    var promptTokens: Int { TokenCount.tokens(ofBytes: promptBytes) }
}

extension CompletionRequest {
    /// Parses a body. `heeding` are the forms that the server supports. Throws the error to answer with.
    init(
        _ root: JSONValue, endpoint: Endpoint, heeding: Set<SchemaForm> = SchemaForm.usual
    ) throws(APIError) {
        guard root.kind == .object else {
            throw .invalidRequest("The request body must be a JSON object.")
        }
        var fields = Fields()
        for (key, value) in root.members { fields.take(key, value) }
        // llama.cpp serves one model, so the name is optional.
        guard let name = fields.model?.rawStringContent ?? (endpoint == .infill ? Array("llama".utf8)[...] : nil),
            !name.isEmpty
        else {
            throw .invalidRequest("A model must be named.", param: "model")
        }
        self.endpoint = endpoint
        model = name
        let prompt = try Self.prompt(of: fields, endpoint: endpoint)
        (item, promptBytes, topics) = (prompt.item, prompt.bytes, prompt.topics)
        choices = try Self.integer(fields.n, "n", 1...Self.choicesMax) ?? 1
        tokensMax = try fields.tokensMax(of: endpoint)
        stops = try Self.stops(fields.stop, endpoint == .messages ? "stop_sequences" : "stop")
        form = try WantedForm(
            chat: fields.responseFormat, responses: fields.text, anthropic: fields.outputConfig,
            structured: fields.structuredOutputs, guided: fields.guidedJSON, tools: fields.tools,
            choice: fields.toolChoice, heeding: heeding)
        streams = try Self.flag(fields.stream, "stream") ?? false
        streamIncludesUsage = fields.streamOptions?["include_usage"]?.bool ?? false
        sampleSeed = fields.seed.map { value in Self.hash(value.raw) } ?? 0
        isFlex =
            endpoint != .messages && fields.serviceTier?.rawStringContent.map { $0.elementsEqual("flex".utf8) } ?? false
        isSampled = fields.seed == nil && (fields.temperature?.double ?? 0) > 0
    }

    /// The members that the simulator uses, found in one pass.
    private struct Fields {
        var model, messages, prompt, suffix, n, maxTokens, maxCompletionTokens: JSONValue?
        var stop, responseFormat, stream, streamOptions, seed, temperature: JSONValue?
        var input, instructions, system, maxOutputTokens, text, outputConfig: JSONValue?
        var structuredOutputs, guidedJSON, tools, toolChoice, serviceTier: JSONValue?
        var inputPrefix, inputSuffix, nPredict: JSONValue?

        mutating func take(_ key: JSONValue, _ value: JSONValue) {
            guard value.kind != .null, let name = key.rawStringContent else { return }
            func isNamed(_ literal: StaticString) -> Bool {
                name.count == literal.utf8CodeUnitCount && literal.withUTF8Buffer { name.elementsEqual($0) }
            }
            switch name.count {
            case 1: if isNamed("n") { n = value }
            case 4:
                if isNamed("stop") {
                    stop = value
                } else if isNamed("seed") {
                    seed = value
                } else if isNamed("text") {
                    text = value
                }
            case 5:
                if isNamed("model") {
                    model = value
                } else if isNamed("input") {
                    input = value
                } else if isNamed("tools") {
                    tools = value
                }
            case 6:
                if isNamed("prompt") {
                    prompt = value
                } else if isNamed("suffix") {
                    suffix = value
                } else if isNamed("stream") {
                    stream = value
                } else if isNamed("system") {
                    system = value
                }
            case 8: if isNamed("messages") { messages = value }
            case 10: if isNamed("max_tokens") { maxTokens = value }
            case 11:
                if isNamed("tool_choice") {
                    toolChoice = value
                } else if isNamed("guided_json") {
                    guidedJSON = value
                } else if isNamed("temperature") {
                    temperature = value
                }
            case 9: if isNamed("n_predict") { nPredict = value }
            case 12:
                if isNamed("instructions") {
                    instructions = value
                } else if isNamed("service_tier") {
                    serviceTier = value
                } else if isNamed("input_prefix") {
                    inputPrefix = value
                } else if isNamed("input_suffix") {
                    inputSuffix = value
                }
            case 13: if isNamed("output_config") { outputConfig = value }
            case 14:
                if isNamed("stream_options") {
                    streamOptions = value
                } else if isNamed("stop_sequences") {
                    stop = value
                }
            case 15: if isNamed("response_format") { responseFormat = value }
            case 17: if isNamed("max_output_tokens") { maxOutputTokens = value }
            case 18: if isNamed("structured_outputs") { structuredOutputs = value }
            case 21: if isNamed("max_completion_tokens") { maxCompletionTokens = value }
            default: break
            }
        }

        /// The maximum number of answer tokens, under the endpoint's name for it. Required for Anthropic.
        func tokensMax(of endpoint: Endpoint) throws(APIError) -> Int? {
            let (value, name): (JSONValue?, String) =
                switch endpoint {
                case .responses: (maxOutputTokens, "max_output_tokens")
                case .infill: (nPredict, "n_predict")
                case .messages: (maxTokens, "max_tokens")
                case .chat where maxCompletionTokens != nil: (maxCompletionTokens, "max_completion_tokens")
                case .completions where maxCompletionTokens != nil: (maxCompletionTokens, "max_completion_tokens")
                case .chat, .completions: (maxTokens, "max_tokens")
                }
            if endpoint == .messages, value == nil {
                throw .invalidRequest("max_tokens: Field required", param: "max_tokens")
            }
            return try CompletionRequest.integer(value, name, 1...Int(Int32.max))
        }
    }

    private static func prompt(
        of fields: Fields, endpoint: Endpoint
    ) throws(APIError) -> (item: UInt64, bytes: Int, topics: [ArraySlice<UInt8>]) {
        switch endpoint {
        case .chat: return try conversation(fields.messages, "messages", beside: nil)
        case .messages: return try conversation(fields.messages, "messages", beside: fields.system)
        case .responses:
            guard let input = fields.input else { throw .invalidRequest("An input is needed.", param: "input") }
            if let text = input.rawStringContent {
                let bytes = text.count + (fields.instructions?.rawStringContent?.count ?? 0)
                return (hash(input.raw), bytes, [text])
            }
            return try conversation(input, "input", beside: fields.instructions)
        case .completions, .infill:
            let name = endpoint == .infill ? "input_prefix" : "prompt"
            guard let prompt = endpoint == .infill ? fields.inputPrefix : fields.prompt else {
                throw .invalidRequest("A prompt is needed.", param: name)
            }
            let topics = try Self.topics(of: prompt)
            let suffix = (endpoint == .infill ? fields.inputSuffix : fields.suffix)?.rawStringContent ?? []
            let item = hash(prompt.raw)
            let bytes = topics.reduce(suffix.count) { $0 + $1.count }
            return (suffix.isEmpty ? item : hash(suffix, seed: item), bytes, topics)
        }
    }

    /// The messages, and the system text if it is a separate member.
    private static func conversation(
        _ messages: JSONValue?, _ name: String, beside system: JSONValue?
    ) throws(APIError) -> (item: UInt64, bytes: Int, topics: [ArraySlice<UInt8>]) {
        guard let messages, messages.kind == .array else {
            throw .invalidRequest("`\(name)` must be an array.", param: name)
        }
        var texts: [ArraySlice<UInt8>] = []
        for message in messages.elements { texts += try Self.texts(of: message, name) }
        guard let last = texts.last else { throw .invalidRequest("`\(name)` must hold a message.", param: name) }
        let outside = system.map {
            $0.rawStringContent.map { [$0] } ?? $0.elements.compactMap { $0["text"]?.rawStringContent }
        }
        let bytes = (texts + (outside ?? [])).reduce(0) { $0 + $1.count }
        return (hash(messages.raw), bytes, [last])
    }

    /// The texts of one message: its content, or the text parts of it. Other parts have no text.
    private static func texts(of message: JSONValue, _ name: String) throws(APIError) -> [ArraySlice<UInt8>] {
        // Items of the Responses API that are not messages, for example a tool's output, have a type instead of a role.
        guard message.kind == .object, message["role"]?.kind == .string || message["type"]?.kind == .string else {
            throw .invalidRequest("Each message must be an object with a role.", param: name)
        }
        guard let content = message["content"] else { return [[]] }
        if let text = content.rawStringContent { return [text] }
        let texts = content.elements.compactMap { $0["text"]?.rawStringContent }
        return texts.isEmpty ? [[]] : texts
    }

    /// A prompt is a string, an array of strings, or tokens, which have no text.
    private static func topics(of prompt: JSONValue) throws(APIError) -> [ArraySlice<UInt8>] {
        if let text = prompt.rawStringContent { return [text] }
        let elements = prompt.elements
        guard !elements.isEmpty else {
            throw .invalidRequest("`prompt` must be a string or an array that is not empty.", param: "prompt")
        }
        guard elements[0].kind != .number else { return [[]] }
        return elements.map { $0.rawStringContent ?? [] }
    }

    private static func stops(_ value: JSONValue?, _ name: String) throws(APIError) -> [[UInt8]] {
        guard let value else { return [] }
        let stops = (value.kind == .array ? value.elements : [value]).compactMap(\.stringBytes).filter { !$0.isEmpty }
        guard value.kind == .string || value.kind == .array, stops.count <= stopsMax else {
            throw .invalidRequest("`\(name)` must be a string or at most \(stopsMax) strings.", param: name)
        }
        return stops
    }

    fileprivate static func integer(
        _ value: JSONValue?, _ name: String, _ range: ClosedRange<Int>
    ) throws(APIError) -> Int? {
        guard let value else { return nil }
        guard let number = value.int, range.contains(number) else {
            throw .invalidRequest(
                "`\(name)` must be an integer from \(range.lowerBound) to \(range.upperBound).", param: name)
        }
        return number
    }

    private static func flag(_ value: JSONValue?, _ name: String) throws(APIError) -> Bool? {
        guard let value else { return nil }
        guard let flag = value.bool else { throw .invalidRequest("`\(name)` must be true or false.", param: name) }
        return flag
    }

    private static func hash(_ bytes: ArraySlice<UInt8>, seed: UInt64 = 0) -> UInt64 {
        bytes.withUnsafeBytes { ContentHash.hash64($0, seed: seed) }
    }
}
