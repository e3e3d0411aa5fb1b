/// The marker tokens of a family of code models for fill in the middle, in a plain completion. The only table of them,
/// taken from the models' cards and tokenizers.
public struct FIMTokens: Sendable, Hashable {
    /// The name for `--fim-family`.
    public let family: String
    /// What model names of the family contain, in lower case.
    let signs: [String]
    let prefix: String
    let suffix: String
    let middle: String
    /// Whether the text after the gap comes first.
    let isSuffixFirst: Bool
    /// Where the answer ends, if the server does not know.
    public let stops: [String]

    private init(
        _ family: String, _ signs: [String], _ prefix: String, _ suffix: String, _ middle: String,
        suffixFirst: Bool = false, stops: [String]
    ) {
        self.family = family
        self.signs = signs
        self.prefix = prefix
        self.suffix = suffix
        self.middle = middle
        isSuffixFirst = suffixFirst
        self.stops = stops
    }

    /// More specific names come first.
    public static let all: [FIMTokens] = [
        FIMTokens(
            "qwen", ["qwen"], "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>",
            stops: ["<|endoftext|>", "<|fim_pad|>", "<|file_sep|>", "<|repo_name|>"]),
        FIMTokens(
            "deepseek", ["deepseek"], "<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>",
            stops: ["<｜end▁of▁sentence｜>"]),
        FIMTokens(
            "codegemma", ["codegemma"], "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>",
            stops: ["<|file_separator|>"]),
        FIMTokens(
            "starcoder", ["starcoder", "stable-code", "granite-3", "granite-8b-code", "granite-20b-code"],
            "<fim_prefix>", "<fim_suffix>", "<fim_middle>", stops: ["<|endoftext|>", "<file_sep>"]),
        FIMTokens(
            "santacoder", ["santacoder"], "<fim-prefix>", "<fim-suffix>", "<fim-middle>", stops: ["<|endoftext|>"]),
        FIMTokens("codellama", ["codellama", "code-llama"], "<PRE> ", " <SUF>", " <MID>", stops: ["<EOT>"]),
        FIMTokens(
            "codestral", ["codestral", "devstral", "mistral"], "[PREFIX]", "[SUFFIX]", "", suffixFirst: true,
            stops: ["</s>"]),
        FIMTokens(
            "seed-coder", ["seed-coder"], "<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>", suffixFirst: true,
            stops: ["<[end▁of▁sentence]>"]),
    ]

    public static func of(family: String) -> FIMTokens? { all.first { $0.family == family } }

    /// The family of a model, by its name.
    public static func of(model: String) -> FIMTokens? {
        let name = model.lowercased()
        return all.first { tokens in tokens.signs.contains { name.contains($0) } }
    }

    /// The prompt, a JSON string token made of two.
    public func prompt(_ before: ArraySlice<UInt8>, _ after: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let (before, after) = (before.dropFirst().dropLast(), after.dropFirst().dropLast())
        var prompt: [UInt8] = [UInt8(ascii: "\"")]
        if isSuffixFirst { prompt += suffix.utf8 + after }
        prompt += prefix.utf8 + before
        if !isSuffixFirst { prompt += suffix.utf8 + after }
        prompt += middle.utf8
        prompt.append(UInt8(ascii: "\""))
        return prompt[...]
    }

    /// Every marker, for removal from the end of an answer.
    var marks: [String] {
        ([prefix, suffix, middle].map { $0.filter { $0 != " " } } + stops).filter { !$0.isEmpty }
    }
}
