package import Basics
import CommandLine
package import Dataset
package import HTTPTransport
import JSONText
package import ModelAPI
package import ModelSimulator
package import PromptSource
package import ResponseGenerator
package import SegmentStore
package import SharedLimit

/// All settings of a run, checked before anything is touched.
package struct RunSettings: Sendable {
    package var inputs: [String] = []
    package var format: InputFormat?
    /// The matrix that generates the rows instead of inputs, and its name in messages.
    package var matrix: (matrix: Matrix, name: String)?
    package var out: String
    package var endpoint: RequestBuilder.Endpoint
    package var parameters: RequestParameters
    /// The parameters as texts, for the job's description.
    package var parameterTexts: [String: String] = [:]
    package var builder: RequestBuilder
    /// Samples per row.
    package var samples = 1
    /// Samples per request.
    package var choices = 1
    /// How rows share requests; nil: each has its own.
    package var items: ItemsOption?
    package var template: Template?
    package var templateText: String?
    /// The template's file, or the job file that contains it.
    package var templateName: String?
    /// Fields of rows that are labels and are not sent.
    package var metadataOnly: [String] = []
    /// The number of accepted answers that ends the run; nil: all rows are sent.
    package var acceptedWanted: Int?
    /// The rows of the input to take.
    package var rows = RowRange()
    /// Whether the template's turns continue the conversation of each record of a store, including its answer.
    package var continues = false
    /// The part of the input to send; nil: all of it.
    package var shard: Shard?
    /// Other stores that are searched for outcomes.
    package var siblings: [String] = []
    /// The limit shared with other runs.
    package var limit: LimitSettings?
    /// The connection to the limiter.
    package var limitClient: LimitClient?
    package var baseURL = ""
    package var headers: [(name: String, value: String)] = []
    /// The servers; the first has the base URL and the headers. Empty with the built-in server.
    package var servers: [Server] = []
    /// Texts that must never reach disk or screen.
    package var secrets: Secrets
    package var timeouts: HTTPTransport.Timeouts
    package var responseBytesMax: Int
    package var network: HTTPTransport.Network
    /// The network settings for notifications and traces: the proxies also apply with the built-in server.
    package var reportNetwork: HTTPTransport.Network
    package var generator: GeneratorConfiguration
    package var splitsThinking = false
    package var rejectedFinishReasons: Set<String> = []
    /// The check of answers; nil: any answer is accepted.
    package var check: AnswerCheck?
    /// The verifier of answers; nil: none.
    package var verifier: VerifierSettings?
    package var telling = SchemaTelling()
    /// The parameters without the schema. How a schema is announced does not count when requests are compared.
    package var untold: RequestParameters
    /// Instructions added to each conversation to announce the schema.
    package private(set) var instructions: [UInt8]?
    package var keepsBody = false
    package var isStrict = false
    package var onChange = ChangePolicy.keep
    package var sync: SyncPolicy
    package var compressionLevel: Int
    /// How long requests in flight may finish after an interrupt.
    package var drainTimeout: Interval
    /// The built-in model server; nil: a real one.
    package var simulator: SimulatorConfiguration?
    package var pricing = Pricing.unknown
    /// The provider's batch API instead of live requests; nil: live.
    package var batch: BatchSettings?
    /// How rows are divided between batches and live requests; nil: all are sent the same way.
    package var route: RouteSettings?
    /// For a live leg of a route: decides whether requests use the flexible tier; nil: they do not.
    package var flexGate: Locked<FlexGate>?
    package var order = SendingOrder.input
    /// When equal requests share an answer; nil: each is sent.
    package var reuse: ReuseOptions?
    /// Whether answers are requested as streams.
    package var streams = false
    /// How gaps are filled; nil: as the endpoint does if a row has one.
    package var fill: FillOptions?
    /// The tools of `--tools` in every request, as recorded; empty: none.
    package var tools: [UInt8] = []
    /// The sources of the given values.
    package var origins: [(name: String, value: String, origin: String)] = []

    /// Maximum answers of an item: each round may be corrected.
    package var repliesMax: Int {
        guard !endpoint.dialect.continuesPrompts else { return 1 }
        return (1 + (check?.corrections ?? 0)).multipliedSaturated(by: max(1, verifier?.roundsMax ?? 1))
    }

    /// A plain completion cannot be continued as a conversation.
    private func refuseUnheardCorrections() throws(RetortError) {
        guard endpoint.dialect.continuesPrompts, let check, check.corrections > 0 else { return }
        throw RetortError(
            .usage, "--corrections needs a conversation, and plain completions are none",
            remedy: "Give --endpoint chat, or leave --corrections out.")
    }

    /// Makes requests announce the schema by these means. Throws `.configuration` if the endpoint does not have them.
    package mutating func tell(by means: SchemaMeans) throws(RetortError) {
        try refuseUnheardCorrections()
        parameters = untold
        try check?.tell(by: means, in: &parameters, endpoint: endpoint)
        // How an answer is delivered does not count when requests are compared.
        if streams { parameters.extra = endpoint.dialect.streamMembers + parameters.extra }
        builder = try RequestBuilder(endpoint: endpoint, parameters: parameters, compared: untold)
        instructions = means == .prompt ? check.map { telling.instructions.text($0.schema) } : nil
    }
}
