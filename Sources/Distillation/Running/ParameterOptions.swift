package import Basics
package import CommandLine
import JSONText
package import ModelAPI
import PromptSource

/// The options that set members of every request.
package enum ParameterOptions {
    package static let group = "Request parameters"

    package static let options: [OptionSpec] = [
        OptionSpec(
            "model", "m", kind: .string, valueName: "NAME", summary: "the model", group: group,
            environment: "RETORT_MODEL"
        ).main,
        OptionSpec(
            "endpoint", kind: .choice(RequestBuilder.Endpoint.allCases.map(\.rawValue)),
            summary: "the API: OpenAI's chat, completions or responses, Anthropic's messages, llama.cpp's infill",
            details: """
                Requests to responses say store: false, so that the provider keeps none of the answers; --param store=true \
                keeps them. That API has no stop and no seed.
                """, group: group, default: "chat"),
        OptionSpec("temperature", kind: .number(0...10), summary: "sampling temperature", group: group).main,
        OptionSpec("top-p", kind: .number(0...1), summary: "nucleus sampling", group: group),
        OptionSpec("max-tokens", kind: .integer(1...10_000_000), summary: "maximum tokens per answer", group: group)
            .main,
        OptionSpec(
            "max-completion-tokens", kind: .integer(1...10_000_000),
            summary: "the same limit under the name reasoning models expect", group: group),
        OptionSpec(
            "stop", kind: .repeated(.string), valueName: "TEXT", summary: "end the answer at this text", group: group),
        OptionSpec("seed", kind: .integer(Int.min...Int.max), summary: "the model's seed", group: group),
        OptionSpec(
            "reasoning-effort", kind: .string, valueName: "WORD", summary: "how much to think: low, medium, high",
            group: group),
        OptionSpec(
            "response-format", kind: .string, valueName: "JSON", summary: "sent as response_format", group: group),
        OptionSpec(
            "param", kind: .repeated(.string), valueName: "NAME=JSON", summary: "any other member of the request",
            group: group),
        OptionSpec(
            "metadata-only", kind: .repeated(.string), valueName: "NAME",
            summary: "keep this field of the rows as a label; do not send it",
            details: """
                A row's own \(PromptRow.memberNames.joined(separator: ", ")) go into its request and take precedence \
                over these options. Name the ones that are labels.
                """,
            group: group),
        OptionSpec(
            "samples", "n", kind: .integer(1...samplesMax), summary: "answers per row, each a request of its own",
            group: group, default: "1"
        ).main,
        ChoicesOption.option,
    ]

    /// Maximum answers per row.
    package static let samplesMax = 10_000

    /// The model's name with the built-in server, unless another is given.
    private static let simulatedModel = "simulated-teacher"

    /// The parameters, and their texts for the job's description. Throws `.usage` for invalid JSON.
    package static func parameters(
        _ command: ParsedCommand, isSimulated: Bool
    ) throws(RetortError) -> (RequestParameters, [String: String]) {
        // Without a model each row must name its own.
        let model = command.stringIfSet("model") ?? (isSimulated ? simulatedModel : "")
        var parameters = RequestParameters(model: model)
        parameters.temperature = command.numberIfSet("temperature")
        parameters.topP = command.numberIfSet("top-p")
        parameters.maxTokens = command.integerIfSet("max-tokens")
        parameters.maxCompletionTokens = command.integerIfSet("max-completion-tokens")
        parameters.stop = command.strings("stop")
        parameters.seed = command.integerIfSet("seed")
        parameters.reasoningEffort = command.stringIfSet("reasoning-effort")
        if let format = command.stringIfSet("response-format") {
            parameters.responseFormat = try json(format, "--response-format")
        }
        for text in command.strings("param") {
            guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
                throw RetortError(.usage, "--param \(text) has no value", remedy: "Write --param name=JSON.")
            }
            let name = String(text[..<equals])
            if name == "n" {
                throw RetortError(
                    .usage, "--param n requests several answers at once",
                    remedy: "Give --n N for N samples from one request, or --samples N: each a request of its own."
                )
            }
            parameters.extra.append(
                (name, try json(String(text[text.index(after: equals)...]), "--param \(name)")))
        }
        return (parameters, texts(of: command))
    }

    /// The fields that are labels. Throws `.usage` for a name that is never sent anyway.
    package static func metadataOnly(_ command: ParsedCommand) throws(RetortError) -> [String] {
        let names = command.strings("metadata-only")
        for name in names where !PromptRow.memberNames.contains(name) {
            throw RetortError(
                .usage, "--metadata-only \(name) is not a field that would be sent",
                remedy: "It can name \(PromptRow.memberNames.joined(separator: ", ")); all other fields are metadata.")
        }
        return Set(names).sorted()
    }

    /// The error for a row without a model if no option gives one.
    package static let noModel = RetortError(
        .usage, "no model is named", remedy: "Give --model NAME, or --simulate to try without one.")

    private static func json(_ text: String, _ option: String) throws(RetortError) -> [UInt8] {
        do {
            _ = try JSONParser().parse(text)
        } catch {
            let isWord = !text.isEmpty && text.allSatisfy { $0.isLetter || $0 == "_" }
            let example =
                option == "--response-format"
                ? "Write --response-format '{\"type\":\"\(isWord ? text : "json_object")\"}'."
                : "Quote texts twice: \(option)='\"text\"'."
            throw RetortError(
                .usage, "the value of \(option) is not JSON", cause: "\(error)", remedy: example)
        }
        return Array(text.utf8)
    }

    package static func texts(of command: ParsedCommand) -> [String: String] {
        var texts: [String: String] = [:]
        let described = [
            "temperature", "top-p", "max-tokens", "max-completion-tokens", "stop", "seed", "reasoning-effort",
            "response-format", "param", "metadata-only",
        ]
        for name in described where command.isGiven(name) {
            texts[name.replacing("-", with: "_")] = command.value(name).map(text)
        }
        return texts
    }

    /// List elements are quoted one by one, so that different lists never have the same text.
    private static func text(_ value: OptionValue) -> String {
        guard case .list(let values) = value else { return value.text }
        var bytes: [UInt8] = []
        for value in values {
            if !bytes.isEmpty { bytes += ", ".utf8 }
            JSONString.append(value.text, to: &bytes)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
