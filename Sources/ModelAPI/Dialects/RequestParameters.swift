internal import JSONText

/// The parameters of every request of a run.
public struct RequestParameters: Sendable {
    /// Empty if each row names its own.
    public var model: String
    public var temperature: Double?
    public var topP: Double?
    public var maxTokens: Int?
    public var maxCompletionTokens: Int?
    /// Texts at which the model stops.
    public var stop: [String] = []
    public var seed: Int?
    /// The JSON value of `response_format`, as in the job.
    public var responseFormat: [UInt8]?
    public var reasoningEffort: String?
    /// Members sent unchanged: names and JSON values. They override those above.
    public var extra: [(name: String, value: [UInt8])] = []

    public init(model: String) { self.model = model }

    /// Maximum tokens of an answer according to the parameters.
    public var completionTokensMax: Int? { maxCompletionTokens ?? maxTokens }

    /// The members, each name once: those of `extra` replace others.
    func members() -> [BodyMember] {
        var members: [BodyMember] = []
        func add(_ name: String, _ value: [UInt8]?) {
            guard let value else { return }
            let member = BodyMember(name: name, value: value[...])
            if let place = members.firstIndex(where: { $0.name == name }) {
                members[place] = member
            } else {
                members.append(member)
            }
        }
        add("model", model.isEmpty ? nil : Self.text(model))
        add("temperature", temperature.map { Array($0.description.utf8) })
        add("top_p", topP.map { Array($0.description.utf8) })
        add("max_tokens", maxTokens.map { Array($0.description.utf8) })
        add("max_completion_tokens", maxCompletionTokens.map { Array($0.description.utf8) })
        add("stop", stop.isEmpty ? nil : Self.array(of: stop))
        add("seed", seed.map { Array($0.description.utf8) })
        add("response_format", responseFormat)
        add("reasoning_effort", reasoningEffort.map(Self.text))
        for (name, value) in extra { add(name, value) }
        return members
    }

    private static func text(_ text: String) -> [UInt8] {
        var output: [UInt8] = []
        JSONString.append(text, to: &output)
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
