package import Basics
package import BatchDelivery
package import CommandLine
import Dataset
package import ModelAPI

/// How requests get their replies.
package enum DeliveryRoute: String, Sendable, CaseIterable {
    /// One by one, each answered at once.
    case live
    /// Through the provider's batch API, at a reduced price.
    case batch
    /// Divided among batches, the flexible tier and live requests, so that the run meets its deadline at the lowest
    /// price.
    case cheapest
}

/// The settings of `--via batch`.
package struct BatchSettings: Sendable {
    package var window: String
    package var poll: Interval
    /// The share by which the price is reduced.
    package var discount: Double
    package var forgets: Bool
    package var dialect: any BatchDialect
    /// The server, without secrets, as named in the batch journal.
    package var server: String
    /// The part of the run; nil: the run has only one.
    package var leg: BatchLeg?

    /// The factor on the price.
    package var priceFactor: Double { 1 - discount }
}

/// The options of batches.
package enum BatchOptions {
    private static let group = "Batches"

    /// The value of `--via` if it is not `live`; otherwise nil.
    package static func batchRoute(_ command: ParsedCommand) -> String? {
        guard command.spec.options.contains(where: { $0.name == "via" }), let route = command.stringIfSet("via") else {
            return nil
        }
        return route == DeliveryRoute.live.rawValue ? nil : route
    }

    package static let options: [OptionSpec] = [
        OptionSpec(
            "via", kind: .choice(DeliveryRoute.allCases.map(\.rawValue)),
            summary: "batch: through the provider's batch API, at half the price; cheapest: by a --deadline",
            group: group,
            default: DeliveryRoute.live.rawValue
        ).main,
        OptionSpec(
            "batch-api", kind: .choice(BatchAPI.allCases.map(\.rawValue)),
            summary: "the form of the batch API; default: the provider's, else OpenAI's", group: group),
        OptionSpec(
            "batch-window", kind: .string, valueName: "TIME",
            summary: "maximum time that the provider may take for a batch",
            group: group, default: "24h"),
        OptionSpec(
            "batch-poll", kind: .duration(.milliseconds(10)...Interval.seconds(86_400)),
            summary: "interval between two status checks of a batch", group: group, default: "1m"),
        OptionSpec(
            "batch-requests", kind: .integer(1...1_000_000), valueName: "N",
            summary: "maximum requests per batch; default: the provider's limit", group: group),
        OptionSpec(
            "batch-tokens", kind: .integer(1...1_000_000_000_000), valueName: "N",
            summary: "maximum estimated tokens of all batches in progress; default: the provider's limit",
            group: group),
        OptionSpec(
            "batch-discount", kind: .number(0...1), valueName: "SHARE",
            summary: "share of the price that batches save; default: 0.5 at known providers, 0 elsewhere",
            group: group),
        OptionSpec(
            "batch-forget", summary: "send again the requests of batches that the provider no longer knows",
            group: group),
    ]

    /// Options that control a stream of live requests, and are meaningless in batches.
    private static let senselessInBatches = [
        "rps", "rpm", "tpm", "throttle", "limit-server", "verifier", "until-accepted", "order",
    ]
    /// Options that are also meaningless if other requests are sent live.
    private static let senselessBesideBatches = ["limit-server", "verifier", "until-accepted"]

    /// Nil for a live run.
    package static func settings(
        _ command: ParsedCommand, endpoint: RequestBuilder.Endpoint, baseURL: String, isSimulated: Bool
    ) throws(RetortError) -> BatchSettings? {
        let route: DeliveryRoute = command.choice("via")
        guard route != .live else {
            for option in options where option.name != "via" && command.source(of: option.name) > .environment {
                throw RetortError(
                    .usage, "--\(option.name) needs --via batch", remedy: "Add it, or leave --\(option.name) out.")
            }
            return nil
        }
        let known = Set(command.spec.options.map(\.name))
        guard route != .cheapest || known.contains("deadline") else {
            throw RetortError(
                .usage, "--via cheapest is for runs", at: command.origin(of: "via"),
                remedy: "Give --via batch, or leave it out to send live.")
        }
        let senseless = route == .batch ? senselessInBatches : senselessBesideBatches
        for name in senseless where known.contains(name) && command.isGiven(name) {
            let why =
                switch name {
                case "verifier": "Leave it out, and judge the answers afterwards with `retort evaluate`."
                case "until-accepted": "Leave it out: the rows of a batch are all sent together. --limit takes fewer."
                default: "Leave it out: the provider paces a batch itself. --batch-tokens limits what is in progress."
                }
            throw RetortError(
                .configuration, "--\(name) makes no sense with --via batch", at: command.origin(of: name), remedy: why)
        }
        let api = try api(command, endpoint, baseURL)
        var limits = api.limits
        if let most = command.integerIfSet("batch-requests") { limits.requestsMax = min(limits.requestsMax, most) }
        limits.tokensMax = command.integerIfSet("batch-tokens")
        let isKnown = isSimulated || BatchAPI.at(host: host(baseURL)) != nil
        return BatchSettings(
            window: try window(command), poll: command.duration("batch-poll"),
            discount: command.numberIfSet("batch-discount") ?? (isKnown ? BatchAPI.discount : 0),
            forgets: command.flag("batch-forget") || isSimulated, dialect: api.dialect(limits),
            server: isSimulated ? "the built-in model server" : ServerNote.withoutSecrets(baseURL))
    }

    private static func window(_ command: ParsedCommand) throws(RetortError) -> String {
        let text = command.string("batch-window")
        guard let unit = text.last, unit == "h" || unit == "d", let count = Int(text.dropLast()), count > 0 else {
            throw RetortError(
                .usage, "--batch-window \(text) is not a number of hours or days",
                at: command.origin(of: "batch-window"),
                remedy: "Write it like 24h, which is all that most providers take, or 7d.")
        }
        return text
    }

    package static func host(_ baseURL: String) -> String {
        let rest = baseURL.firstRange(of: "://").map { baseURL[$0.upperBound...] } ?? baseURL[...]
        return String(rest.prefix { $0 != "/" && $0 != ":" && $0 != "?" })
    }

    /// Throws `.configuration` for providers with an unsupported batch API.
    private static func api(
        _ command: ParsedCommand, _ endpoint: RequestBuilder.Endpoint, _ baseURL: String
    ) throws(RetortError) -> BatchAPI {
        let host = host(baseURL)
        let given = command.stringIfSet("batch-api").flatMap(BatchAPI.init)
        if given == nil, let provider = KnownProvider.at(host: host)?.name, ["fireworks", "xai"].contains(provider) {
            throw RetortError(
                .configuration, "--via batch does not speak the batch API of \(provider)", at: baseURL,
                remedy:
                    "Leave it out, or use a provider that has OpenAI's files and batches, Anthropic's, Mistral's or "
                    + "Gemini's.")
        }
        let api = given ?? BatchAPI.at(host: host) ?? (endpoint == .messages ? .anthropic : .openai)
        guard (api == .anthropic) == (endpoint == .messages) else {
            throw RetortError(
                .configuration,
                "the batch API \(api.rawValue) does not take requests of --endpoint \(endpoint.rawValue)",
                at: command.origin(of: "batch-api"),
                remedy: "Give the endpoint of its API, or name another one with --batch-api.")
        }
        return api
    }
}
