import Basics
import CommandLine
import HTTPTransport
import JSONText
import ModelAPI
import ModelSimulator
import PromptSource
import ResponseGenerator
import SegmentStore
import SharedLimit

/// What becomes of items that ask something else than what was answered under their id.
enum ChangePolicy: String, Sendable, CaseIterable {
    /// Nothing is asked as long as there are any.
    case refuse
    /// The old answers stay.
    case keep
    /// They are asked again, and the old answers are set aside.
    case rerun
}

/// Everything a run was told, checked, before anything is touched.
struct RunSettings: Sendable {
    var inputs: [String]
    var format: InputFormat?
    /// What makes the rows, in place of inputs, and what messages call it.
    var matrix: (matrix: Matrix, name: String)?
    var out: String
    var endpoint: RequestBuilder.Endpoint
    var parameters: RequestParameters
    /// The parameters as texts, for the job's description.
    var parameterTexts: [String: String]
    var builder: RequestBuilder
    var samples: Int
    var template: Template?
    var templateText: String?
    /// The template's file, or the job file that holds it.
    var templateName: String?
    /// Fields of rows that are labels and not sent.
    var metadataOnly: [String] = []
    /// Accepted answers that are enough; nil: all rows are asked.
    var acceptedWanted: Int?
    /// The rows of the input that are taken.
    var rows = RowRange()
    /// Whether the template's turns follow the conversation of each record of a store, its answer included.
    var continues = false
    /// The part of the input that is asked; nil: all of it.
    var shard: Shard?
    /// Other stores that are asked for outcomes.
    var siblings: [String] = []
    /// The limit that is shared with other runs.
    var limit: LimitSettings?
    /// The connection to it.
    var limitClient: LimitClient?
    var baseURL: String
    var headers: [(name: String, value: String)]
    /// Where requests go; the first has the base URL and the headers. Empty with the built-in server.
    var servers: [Server] = []
    /// What no answer may bring to disk or screen.
    var secrets: Secrets
    var timeouts: HTTPTransport.Timeouts
    var responseBytesMax: Int
    var network: HTTPTransport.Network
    var generator: GeneratorConfiguration
    var splitsThinking: Bool
    var rejectedFinishReasons: Set<String>
    /// What an answer must be; nil: anything.
    var check: AnswerCheck?
    /// What judges the answers; nil: nothing.
    var verifier: VerifierSettings?
    var telling = SchemaTelling()
    /// The parameters without what tells of a schema. How the server is told makes no request another one.
    var untold: RequestParameters
    /// What is added to each conversation to tell of the schema.
    private(set) var instructions: [UInt8]?
    var keepsBody: Bool
    var isStrict: Bool
    var onChange: ChangePolicy
    var sync: SyncPolicy
    var compressionLevel: Int
    /// How long the window may drain after an interrupt.
    var drainTimeout: Interval
    /// The built-in model server to run against; nil: a real one.
    var simulator: SimulatorConfiguration?
    var pricing: Pricing
    /// The provider's batches in place of live requests; nil: live.
    var batch: BatchSettings?
    /// How gaps are filled; nil: as the endpoint does where a row has one.
    var fill: FillOptions?
    /// What `--tools` offers in every request, as it is recorded; empty: nothing.
    var tools: [UInt8] = []
    /// Where the values are from that were given.
    var origins: [(name: String, value: String, origin: String)] = []

    /// - Parameter job: what `command` was completed with, when its first operand is a job file.
    init(_ command: ParsedCommand, environment: [String: String], job: JobFile? = nil) throws(RetortError) {
        origins = RunRequest.origins(command)
        let operands = command.operands("PROMPTS")
        inputs = try job?.inputs(given: operands) ?? operands
        if inputs.isEmpty, let made = job?.matrix { matrix = (made, "\(operands.first ?? "") (matrix)") }
        format = command.stringIfSet("format").flatMap { InputFormat(rawValue: $0) }
        out = try command.requiredString("out")
        endpoint = AccessOptions.endpoint(command)
        samples = command.integer("samples")
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
        simulator = command.flag("simulate") ? try SimulatorOptions.configuration(command) : nil
        if simulator == nil { try SimulatorOptions.checkUnused(command) }
        timeouts = HTTPTransport.Timeouts(
            connect: command.duration("connect-timeout"), firstByte: command.duration("first-byte-timeout"),
            stalled: command.duration("stall-timeout"), total: command.duration("timeout"))
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
        batch = try BatchOptions.settings(
            command, endpoint: endpoint, baseURL: baseURL, isSimulated: simulator != nil)
        if let batch { pricing = try access.single("--via batch", pricing.scaled(by: batch.priceFactor)) }
        generator = try Self.generator(command)
        try spread(
            over: access.servers.map { fill?.server($0) ?? $0 }, hasOwnConcurrency: command.isGiven("concurrency"))
        generator.classifier = Classifier(
            rejectedFinishReasons: rejectedFinishReasons, splitsThinking: splitsThinking,
            retryAfterMax: command.duration("retry-after-max"))
        generator.classifier.stages =
            secrets.stages + (fill.map { [FillStage($0.tokens)] } ?? []) + (check.map { [$0.stage] } ?? [])
        // A server that is probed is told once it is known how.
        try tell(by: telling.means ?? .none)
        try pricing.checkBudget(builder)
    }

    /// Makes requests tell of the schema in this way. Throws `.configuration` where the endpoint has no such means.
    mutating func tell(by means: SchemaMeans) throws(RetortError) {
        parameters = untold
        try check?.tell(by: means, in: &parameters, endpoint: endpoint)
        builder = try RequestBuilder(endpoint: endpoint, parameters: parameters, compared: untold)
        instructions = means == .prompt ? check.map { telling.instructions.text($0.schema) } : nil
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
        return (template, try TextFile.read(path))
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
