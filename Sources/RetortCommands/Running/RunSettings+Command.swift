import Basics
import CommandLine
import HTTPTransport
import ModelAPI
import ModelSimulator
import PromptSource
import ResponseGenerator
import SegmentStore

extension RunSettings {
    /// - Parameter job: what `command` was completed with, when its first operand is a job file.
    init(_ command: ParsedCommand, environment: [String: String], job: JobFile? = nil) throws(RetortError) {
        origins = RunRequest.origins(command)
        let operands = command.operands("PROMPTS")
        inputs = try job?.inputs(given: operands) ?? operands
        if inputs.isEmpty, let made = job?.matrix { matrix = (made, "\(operands.first ?? "") (matrix)") }
        format = command.stringIfSet("format").flatMap { InputFormat(rawValue: $0) }
        out = try command.requiredString("out")
        endpoint = AccessOptions.endpoint(command)
        let templateFile = try Self.loadTemplate(command) ?? job?.template
        template = templateFile?.template
        templateText = templateFile?.text
        templateName = command.stringIfSet("template") ?? (job?.template == nil ? nil : operands.first)
        metadataOnly = try ParameterOptions.metadataOnly(command)
        rows = RowRange(skip: command.integerIfSet("skip"), limit: command.integerIfSet("limit"))
        rows.selection = try StageOptions.selection(command, job?.source?.names ?? [], template)
        continues = try StageOptions.continues(command, hasTemplate: template != nil)
        acceptedWanted = command.integerIfSet("until-accepted")
        shard = try ShardOptions.shard(command, environment: environment)
        siblings = command.strings("siblings")
        limit = try LimitOptions.settings(command)
        keepsBody = command.flag("keep-body")
        isStrict = command.flag("strict")
        onChange = command.choice("on-change")
        splitsThinking = command.flag("split-think")
        rejectedFinishReasons = Set(command.strings("reject-finish"))
        sync = try Self.syncPolicy(command)
        compressionLevel = command.integer("compression-level")
        drainTimeout = command.duration("drain-timeout")
        responseBytesMax = command.size("response-size-max")
        simulator = try SimulatorOptions.chosen(command, isSimulated: command.flag("simulate"))
        timeouts = HTTPTransport.Timeouts(command)
        (parameters, parameterTexts) = try ParameterOptions.parameters(command, isSimulated: simulator != nil)
        fill = try FillOptions(command, model: parameters.model, hasTemplate: template != nil)
        if let fill {
            endpoint = try fill.endpoint(command, endpoint)
            parameters.stop += parameters.stop.isEmpty ? fill.tokens?.stops ?? [] : []
        }
        tools = try ToolsOption.take(command, endpoint, into: &parameters, texts: &parameterTexts) ?? []
        check = try CheckOptions.check(command)
        verifier = try VerifierSettings(command, environment: environment)
        untold = parameters
        choices = try ChoicesOption.choices(command, endpoint)
        samples = command.integer("samples") * choices
        streams = try StreamOption.isWanted(command, parameters)
        builder = try RequestBuilder(endpoint: endpoint, parameters: parameters)
        telling = try SchemaTelling(command, check)
        try telling.checkStrict(check, endpoint)
        let access = try AccessOptions(command, endpoint: endpoint, environment: environment)
        baseURL = fill?.baseURL(access.baseURL) ?? access.baseURL
        headers = access.headers
        secrets = Secrets(environment: environment, headers: access.allHeaders)
        network =
            simulator == nil ? HTTPTransport.Network(environment: environment) : HTTPTransport.Network()
        pricing = try Pricing(command, parameters: parameters, isSimulated: simulator != nil)
        order = command.choice("order")
        reuse = try ReuseOptions(command)
        generator = try Self.generator(command)
        try spread(
            over: access.servers.map { fill?.server($0) ?? $0 }, hasOwnConcurrency: command.isGiven("concurrency"))
        try takeRoute(command, access)
        generator.classifier = classifier(retryAfterMax: command.duration("retry-after-max"))
        // A server that is probed is told once it is known how.
        try tell(by: telling.means ?? .none)
        try pricing.checkBudget(builder)
    }

    /// How the rows are sent, and what that costs.
    private mutating func takeRoute(_ command: ParsedCommand, _ access: AccessOptions) throws(RetortError) {
        let isSimulated = simulator != nil
        let batches = try BatchOptions.settings(
            command, endpoint: endpoint, baseURL: baseURL, isSimulated: isSimulated)
        route = try RouteOptions.settings(
            command, batches, endpoint: endpoint, baseURL: baseURL, isSimulated: isSimulated)
        if let batches { _ = try access.single("--via \(route == nil ? "batch" : "cheapest")", batches) }
        pricing = pricing.withFlex(
            share: RouteOptions.flexShare(command, baseURL: baseURL, isSimulated: isSimulated))
        guard route == nil, let batches else { return }
        batch = batches
        pricing = pricing.scaled(by: batches.priceFactor)
    }

    private func classifier(retryAfterMax: Interval) -> Classifier {
        var classifier = Classifier(
            rejectedFinishReasons: rejectedFinishReasons, splitsThinking: splitsThinking, retryAfterMax: retryAfterMax)
        classifier.stages =
            secrets.stages + (fill.map { [FillStage($0.tokens)] } ?? []) + (check.map { [$0.stage] } ?? [])
        return classifier
    }

    private static func loadTemplate(_ command: ParsedCommand) throws(RetortError) -> (
        template: Template, text: String
    )? {
        guard let path = command.stringIfSet("template") else { return nil }
        let template: Template
        do throws(RetortError) { template = try Template.load(path) } catch {
            var error = error
            if error.message == "no such input file" { error.message = "no such template file" }
            throw error
        }
        return (template, try TextFile.read(path) + template.insertedText)
    }

    static func syncPolicy(_ command: ParsedCommand) throws(RetortError) -> SyncPolicy {
        switch command.value("sync") {
        case .text("always"): .always
        case .text("never"): .never
        default: .interval(command.durationIfSet("sync") ?? .seconds(1))
        }
    }

    /// - Parameter stopsAtRefusals: whether the command has an option for them.
    static func generator(
        _ command: ParsedCommand, stopsAtRefusals: Bool = true
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
        configuration.seed = UInt64.random(in: 0...UInt64.max)
        try configuration.validate()
        return configuration
    }
}
