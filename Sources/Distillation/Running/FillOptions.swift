package import Basics
package import CommandLine
import Dataset
package import ModelAPI
package import PromptSource

/// How gaps between two texts are filled: `--fim` and related options.
package struct FillOptions: Sendable {
    package enum Mode: String, CaseIterable, Sendable {
        /// With the API's own members: `prompt` and `suffix`.
        case native
        /// With a chat that is instructed what to write.
        case chat
        /// With the marker tokens that the model was trained on, in a plain completion.
        case tokens
    }

    package let mode: Mode
    /// Nil except for `.tokens`.
    package let tokens: FIMTokens?
    package let keys: PromptParser.FillKeys

    private static let group = "Fill in the middle"
    /// The job's member.
    package static let jobName = "fim"

    package static let options: [OptionSpec] = [
        OptionSpec(
            "fim", kind: .choice(Mode.allCases.map(\.rawValue)),
            summary: "fill the gap between each row's prefix and suffix",
            details: """
                native sends prompt and suffix to /completions (OpenAI, Ollama; DeepSeek's and Mistral's own \
                addresses are used), with --provider llamacpp or --endpoint infill to llama.cpp's /infill. tokens \
                puts the marker tokens of the model's family into the prompt (vLLM, llama.cpp), chat instructs a chat \
                model. Fences and repeated context are removed from the answer. A row without a suffix is continued.
                """, group: group),
        OptionSpec(
            "fim-family", kind: .choice(FIMTokens.all.map(\.family)), valueName: "FAMILY",
            summary: "the family whose marker tokens --fim tokens uses; default: by the model's name", group: group),
        OptionSpec(
            "prefix-key", kind: .string, valueName: "FIELD", summary: "the field before the gap; default: prefix",
            group: group),
        OptionSpec(
            "suffix-key", kind: .string, valueName: "FIELD", summary: "the field after the gap; default: suffix",
            group: group),
    ]

    /// Nil without `--fim`. Throws `.usage` for contradictory options.
    package init?(_ command: ParsedCommand, model: String, hasTemplate: Bool) throws(RetortError) {
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

    /// The form in a store's job; nil for none.
    package init?(job text: String?) {
        guard let words = text?.split(separator: " "), let mode = words.first.flatMap({ Mode(rawValue: String($0)) })
        else {
            return nil
        }
        self.mode = mode
        tokens = words.count > 1 && mode == .tokens ? FIMTokens.of(family: String(words[1])) : nil
        keys = PromptParser.FillKeys(prefix: "prefix", suffix: "suffix")
    }

    /// The form's text in the job.
    package var jobText: String {
        [
            mode.rawValue, tokens?.family, keys.prefix == "prefix" ? nil : "prefix=\(keys.prefix)",
            keys.suffix == "suffix" ? nil : "suffix=\(keys.suffix)",
        ].compactMap { $0 }.joined(separator: " ")
    }

    /// The endpoint: as given, else the one of the mode. Throws `.usage` if they do not match.
    package func endpoint(
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

    /// The base URL of a provider's fill-in-the-middle API, derived from that of its other endpoints.
    package func baseURL(_ url: String) -> String {
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

    /// The server with that base URL.
    package func server(_ server: Server) -> Server {
        var server = server
        server.text.url = baseURL(server.text.url)
        return server
    }

    /// The request for a gap.
    package func input(prefix: ArraySlice<UInt8>, suffix: ArraySlice<UInt8>) -> RequestInput {
        if let tokens { return .prompt(tokens.prompt(prefix, suffix)) }
        return .infill(prefix: prefix, suffix: suffix)
    }
}
