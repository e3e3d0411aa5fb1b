package import Basics
package import CommandLine
import Dataset
import HTTPTransport
package import ModelAPI
import ModelSimulator
import ResponseGenerator
import SegmentStore

/// The options that `run`, `retry` and `serve` have in common, each read in one place.
extension RunSettings {
    /// What all three read: the store's files, the server, timeouts, rates and retries. Each of them adds to this.
    ///
    /// - Parameter stopsAtRefusals: false for a server, whose clients are told of each refusal.
    package init(
        sending command: ParsedCommand, to endpoint: RequestBuilder.Endpoint, out: String, isSimulated: Bool,
        environment: [String: String], stopsAtRefusals: Bool = true
    ) throws(RetortError) {
        self.out = out
        self.endpoint = endpoint
        parameters = RequestParameters(model: "")
        untold = parameters
        builder = try RequestBuilder(endpoint: .chat, parameters: parameters)
        secrets = Secrets(environment: environment)
        sync = Self.syncPolicy(command)
        compressionLevel = command.integer("compression-level")
        drainTimeout = command.duration("drain-timeout")
        responseBytesMax = command.size("response-size-max")
        simulator = try SimulatorOptions.chosen(command, isSimulated: isSimulated)
        timeouts = HTTPTransport.Timeouts(command)
        reportNetwork = HTTPTransport.Network(environment: environment)
        network = isSimulated ? HTTPTransport.Network() : reportNetwork
        generator = try Self.generator(command, stopsAtRefusals: stopsAtRefusals)
    }

    /// What `run` and `retry` read once the parameters of their requests are known.
    mutating func readRequests(
        _ command: ParsedCommand, over servers: [Server], environment: [String: String]
    ) throws(RetortError) {
        keepsBody = command.flag("keep-body")
        limit = try LimitOptions.settings(command)
        streams = try StreamOption.isWanted(command, parameters)
        order = command.choice("order")
        reuse = try ReuseOptions(command)
        untold = parameters
        builder = try RequestBuilder(endpoint: endpoint, parameters: parameters)
        baseURL = servers.first?.text.url ?? ""
        headers = servers.first?.headers ?? []
        secrets = Secrets(environment: environment, headers: servers.flatMap(\.headers))
        pricing = try Pricing(command, parameters: parameters, isSimulated: simulator != nil)
        try spread(over: servers, hasOwnConcurrency: command.isGiven("concurrency"))
    }

    /// Sends all rows in batches, at their price.
    mutating func take(_ batches: BatchSettings) {
        batch = batches
        pricing = pricing.scaled(by: batches.priceFactor)
    }

    /// Has the generator classify replies and check answers as these settings say.
    ///
    /// - Parameter ofItems: whether requests ask for several rows, so that `check` is of one element of an answer.
    package mutating func judgeAnswers(_ command: ParsedCommand, ofItems: Bool = false) {
        var classifier = Classifier(
            rejectedFinishReasons: rejectedFinishReasons, splitsThinking: splitsThinking,
            retryAfterMax: command.duration("retry-after-max"))
        let checks = (fill.map { [FillStage($0.tokens) as any AnswerStage] } ?? []) + (check.map { [$0.stage] } ?? [])
        classifier.stages = secrets.stages + (ofItems ? ItemsOption.stages(check, around: checks) : checks)
        generator.classifier = classifier
    }

    private static func syncPolicy(_ command: ParsedCommand) -> SyncPolicy {
        switch command.value("sync") {
        case .text("always"): .always
        case .text("never"): .never
        default: .interval(command.durationIfSet("sync") ?? .seconds(1))
        }
    }

    /// - Parameter stopsAtRefusals: whether the command has options for refusals and duplicates; a server has none.
    private static func generator(
        _ command: ParsedCommand, stopsAtRefusals: Bool
    ) throws(RetortError) -> GeneratorConfiguration {
        var configuration = GeneratorConfiguration()
        if command.stringIfSet("concurrency") == "auto" {
            configuration.isConcurrencyAutomatic = true
            configuration.concurrency = 512
        } else {
            configuration.concurrency = command.integer("concurrency")
        }
        configuration.attemptsMax = command.integer("attempts")
        configuration.limits = RateLimits(
            requestsPerSecond: command.numberIfSet("rps"), requestsPerMinute: command.numberIfSet("rpm"),
            tokensPerMinute: command.numberIfSet("tpm"), spacing: command.durationIfSet("throttle"))
        configuration.backoffBase = command.duration("retry-base")
        // A base above the cap's default raises the cap with it.
        configuration.backoffCap =
            command.isGiven("retry-cap")
            ? command.duration("retry-cap") : max(command.duration("retry-cap"), configuration.backoffBase)
        configuration.outageMax = command.duration("outage-max")
        configuration.refusalsMax = stopsAtRefusals ? command.integer("refusals-max") : 0
        // A server's clients wait for pieces of answers, which no second request can take over.
        if stopsAtRefusals { configuration.hedging = try HedgeOptions.settings(command) }
        configuration.seed = UInt64.random(in: 0...UInt64.max)
        try configuration.validate()
        return configuration
    }
}
