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
    /// Of each row.
    var samples: Int
    /// Samples that one request asks for.
    var choices = 1
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
    /// How the rows are divided between batches and live requests; nil: all go one way.
    var route: RouteSettings?
    /// Of a live leg of the route: whether requests ask for the flexible tier; nil: they do not.
    var flexGate: Locked<FlexGate>?
    var order = SendingOrder.input
    /// When equal requests share an answer; nil: each is asked.
    var reuse: ReuseOptions?
    /// Whether answers are asked for as streams.
    var streams = false
    /// How gaps are filled; nil: as the endpoint does where a row has one.
    var fill: FillOptions?
    /// What `--tools` offers in every request, as it is recorded; empty: nothing.
    var tools: [UInt8] = []
    /// Where the values are from that were given.
    var origins: [(name: String, value: String, origin: String)] = []

    /// Answers that an item may have at most: each round may be corrected.
    var repliesMax: Int {
        guard !endpoint.dialect.continuesPrompts else { return 1 }
        return (1 + (check?.corrections ?? 0)).multipliedSaturated(by: max(1, verifier?.roundsMax ?? 1))
    }

    /// A plain completion is no conversation that goes on.
    private func refuseUnheardCorrections() throws(RetortError) {
        guard endpoint.dialect.continuesPrompts, let check, check.corrections > 0 else { return }
        throw RetortError(
            .usage, "--corrections needs a conversation, and plain completions are none",
            remedy: "Give --endpoint chat, or leave --corrections out.")
    }

    /// Makes requests tell of the schema in this way. Throws `.configuration` where the endpoint has no such means.
    mutating func tell(by means: SchemaMeans) throws(RetortError) {
        try refuseUnheardCorrections()
        parameters = untold
        try check?.tell(by: means, in: &parameters, endpoint: endpoint)
        // How an answer comes makes no request another one.
        if streams { parameters.extra = endpoint.dialect.streamMembers + parameters.extra }
        builder = try RequestBuilder(endpoint: endpoint, parameters: parameters, compared: untold)
        instructions = means == .prompt ? check.map { telling.instructions.text($0.schema) } : nil
    }
}
