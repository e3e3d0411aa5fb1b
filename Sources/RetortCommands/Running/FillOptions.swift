import Basics
import CommandLine
import ModelAPI
import PromptSource

/// How gaps between two texts are filled: `--fim` and what belongs to it.
struct FillOptions: Sendable {
    enum Mode: String, CaseIterable, Sendable {
        /// By the API's own members: `prompt` and `suffix`.
        case native
        /// By a chat that is told what to write.
        case chat
        /// By the marks that the model was trained with, in a plain completion.
        case tokens
    }

    let mode: Mode
    /// Nil but for `.tokens`.
    let tokens: FIMTokens?
    let keys: PromptParser.FillKeys

    private static let group = "Fill in the middle"
    /// The job's member.
    static let jobName = "fim"

    static let options: [OptionSpec] = [
        OptionSpec(
            "fim", kind: .choice(Mode.allCases.map(\.rawValue)),
            summary: "fill the gap between each row's prefix and suffix",
            details: """
                native sends prompt and suffix to /completions (OpenAI, Ollama; DeepSeek's and Mistral's own addresses are \
                used), with --provider llamacpp or --endpoint infill to llama.cpp's /infill. tokens puts the marks of the \
                model's family into the prompt (vLLM, llama.cpp), chat asks a chat. Fences and repeated context are taken off \
                the answer. A row without a suffix is continued.
                """, group: group),
        OptionSpec(
            "fim-family", kind: .choice(FIMTokens.all.map(\.family)), valueName: "FAMILY",
            summary: "whose marks --fim tokens uses; default: by the model's name", group: group),
        OptionSpec(
            "prefix-key", kind: .string, valueName: "FIELD", summary: "the field before the gap; default: prefix",
            group: group),
        OptionSpec(
            "suffix-key", kind: .string, valueName: "FIELD", summary: "the field behind the gap; default: suffix",
            group: group),
    ]

    /// Nil without `--fim`. Throws `.usage` for options that do not go together.
    init?(_ command: ParsedCommand, model: String, hasTemplate: Bool) throws(RetortError) {
        let others = ["fim-family", "prefix-key", "suffix-key"]
        guard let mode = command.stringIfSet("fim").flatMap(Mode.init) else {
            if let other = others.first(where: { command.isGiven($0) }) {
                throw RetortError(
                    .usage, "--\(other) is of fill in the middle", at: "--\(other)",
                    remedy: "Add --fim native, --fim tokens or --fim chat.")
            }
            return nil
        }
        if hasTemplate {
            throw RetortError(
                .usage, "--fim reads prefix and suffix from the rows, and a template makes prompts of them",
                at: "--fim", remedy: "Leave one of them out.")
        }
        if mode != .tokens, command.isGiven("fim-family") {
            throw RetortError(.usage, "--fim-family is of --fim tokens", at: "--fim-family")
        }
        self.mode = mode
        keys = PromptParser.FillKeys(
            prefix: command.stringIfSet("prefix-key") ?? "prefix", suffix: command.stringIfSet("suffix-key") ?? "suffix"
        )
        guard mode == .tokens else {
            tokens = nil
            return
        }
        tokens = command.stringIfSet("fim-family").flatMap(FIMTokens.of(family:)) ?? FIMTokens.of(model: model)
        if tokens == nil {
            let families = FIMTokens.all.map(\.family).joined(separator: ", ")
            throw RetortError(
                .usage, "no marks for filling in are known of the model \(model)", at: "--fim",
                remedy: "Name the family with --fim-family: \(families).")
        }
    }

    /// The form that a store's job describes; nil for none.
    init?(job text: String?) {
        guard let words = text?.split(separator: " "), let mode = words.first.flatMap({ Mode(rawValue: String($0)) })
        else {
            return nil
        }
        self.mode = mode
        tokens = words.count > 1 && mode == .tokens ? FIMTokens.of(family: String(words[1])) : nil
        keys = PromptParser.FillKeys(prefix: "prefix", suffix: "suffix")
    }

    /// What the job says of it.
    var jobText: String {
        [
            mode.rawValue, tokens?.family, keys.prefix == "prefix" ? nil : "prefix=\(keys.prefix)",
            keys.suffix == "suffix" ? nil : "suffix=\(keys.suffix)",
        ].compactMap { $0 }.joined(separator: " ")
    }

    /// The endpoint: as given, else the one that the mode is of. Throws `.usage` where they do not go together.
    func endpoint(
        _ command: ParsedCommand, _ endpoint: RequestBuilder.Endpoint
    ) throws(RetortError) -> RequestBuilder.Endpoint {
        let isLlama = command.stringIfSet("provider") == "llamacpp"
        guard command.isGiven("endpoint") else {
            if mode == .chat { return endpoint }
            return mode == .native && isLlama ? .infill : .completions
        }
        let isPlain = endpoint == .completions || endpoint == .infill && mode != .tokens
        if mode == .chat ? endpoint.dialect.continuesPrompts : !isPlain {
            throw RetortError(
                .usage, "--fim \(mode.rawValue) cannot be sent to the endpoint \(endpoint.rawValue)", at: "--fim",
                remedy: "Leave --endpoint out: --fim knows it.")
        }
        return endpoint
    }

    /// The base URL at which a provider fills in, given the one of its other endpoints.
    func baseURL(_ url: String) -> String {
        guard mode == .native else { return url }
        let address = ServerAddress(url)
        let path = address.path.split(separator: "/")
        switch address.host {
        case "api.deepseek.com" where path.isEmpty || path == ["v1"]: return "https://api.deepseek.com/beta"
        case "api.mistral.ai" where path.isEmpty || path == ["v1"],
            "codestral.mistral.ai" where path.isEmpty || path == ["v1"]:
            return "https://\(address.host)/v1/fim"
        default: return url
        }
    }

    /// The server where it fills in.
    func server(_ server: Server) -> Server {
        var server = server
        server.text.url = baseURL(server.text.url)
        return server
    }

    /// What is asked of the model for a gap.
    func input(prefix: ArraySlice<UInt8>, suffix: ArraySlice<UInt8>) -> RequestInput {
        if let tokens { return .prompt(tokens.prompt(prefix, suffix)) }
        return .infill(prefix: prefix, suffix: suffix)
    }
}
