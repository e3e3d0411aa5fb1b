internal import JSONText

/// What every request of a run has in common.
public struct RequestParameters: Sendable {
    public var model: String
    public var temperature: Double?
    public var topP: Double?
    public var maxTokens: Int?
    public var maxCompletionTokens: Int?
    /// Texts at which the model stops.
    public var stop: [String] = []
    public var seed: Int?
    /// The JSON value of `response_format`, as it stands in the job.
    public var responseFormat: [UInt8]?
    public var reasoningEffort: String?
    /// Members sent as they are: a name and a JSON value each. They come last, so they win over those above.
    public var extra: [(name: String, value: [UInt8])] = []

    public init(model: String) { self.model = model }

    /// The most tokens an answer may have, as far as the parameters say.
    public var completionTokensMax: Int? { maxCompletionTokens ?? maxTokens }

    /// The members in JSON, each followed by a comma.
    func rendered() -> [UInt8] {
        var output: [UInt8] = []
        func member(_ name: String, _ value: (inout [UInt8]) -> Void) {
            JSONString.append(name, to: &output)
            output.append(UInt8(ascii: ":"))
            value(&output)
            output.append(UInt8(ascii: ","))
        }
        func number(_ name: String, _ value: (some CustomStringConvertible)?) {
            guard let value else { return }
            member(name) { $0.append(contentsOf: value.description.utf8) }
        }
        member("model") { JSONString.append(model, to: &$0) }
        number("temperature", temperature)
        number("top_p", topP)
        number("max_tokens", maxTokens)
        number("max_completion_tokens", maxCompletionTokens)
        if !stop.isEmpty { member("stop") { $0 += Self.array(of: stop) } }
        number("seed", seed)
        if let responseFormat { member("response_format") { $0.append(contentsOf: responseFormat) } }
        if let reasoningEffort { member("reasoning_effort") { JSONString.append(reasoningEffort, to: &$0) } }
        for (name, value) in extra { member(name) { $0.append(contentsOf: value) } }
        return output
    }

    /// A JSON array of strings.
    static func array(of texts: [String]) -> [UInt8] {
        var output = Array("[".utf8)
        for (index, text) in texts.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            JSONString.append(text, to: &output)
        }
        output.append(UInt8(ascii: "]"))
        return output
    }
}
