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

/// Everything a run was told, checked, before anything is touched.
package struct RunSettings: Sendable {
    package var inputs: [String]
    package var format: InputFormat?
    /// What makes the rows, in place of inputs, and what messages call it.
    package var matrix: (matrix: Matrix, name: String)?
    package var out: String
    package var endpoint: RequestBuilder.Endpoint
    package var parameters: RequestParameters
    /// The parameters as texts, for the job's description.
    package var parameterTexts: [String: String]
    package var builder: RequestBuilder
    /// Of each row.
    package var samples: Int
    /// Samples that one request asks for.
    package var choices = 1
    /// How rows share requests; nil: each has its own.
    package var items: ItemsOption?
    package var template: Template?
    package var templateText: String?
    /// The template's file, or the job file that holds it.
    package var templateName: String?
    /// Fields of rows that are labels and not sent.
    package var metadataOnly: [String] = []
    /// Accepted answers that are enough; nil: all rows are asked.
    package var acceptedWanted: Int?
    /// The rows of the input that are taken.
    package var rows = RowRange()
    /// Whether the template's turns follow the conversation of each record of a store, its answer included.
    package var continues = false
    /// The part of the input that is asked; nil: all of it.
    package var shard: Shard?
    /// Other stores that are asked for outcomes.
    package var siblings: [String] = []
    /// The limit that is shared with other runs.
    package var limit: LimitSettings?
    /// The connection to it.
    package var limitClient: LimitClient?
    package var baseURL: String
    package var headers: [(name: String, value: String)]
    /// Where requests go; the first has the base URL and the headers. Empty with the built-in server.
    package var servers: [Server] = []
    /// What no answer may bring to disk or screen.
    package var secrets: Secrets
    package var timeouts: HTTPTransport.Timeouts
    package var responseBytesMax: Int
    package var network: HTTPTransport.Network
    /// The way to what a run reports to: also with the built-in server, proxies are for these.
    package var reportNetwork = HTTPTransport.Network()
    package var generator: GeneratorConfiguration
    package var splitsThinking: Bool
    package var rejectedFinishReasons: Set<String>
    /// What an answer must be; nil: anything.
    package var check: AnswerCheck?
    /// What judges the answers; nil: nothing.
    package var verifier: VerifierSettings?
    package var telling = SchemaTelling()
    /// The parameters without what tells of a schema. How the server is told makes no request another one.
    package var untold: RequestParameters
    /// What is added to each conversation to tell of the schema.
    package private(set) var instructions: [UInt8]?
    package var keepsBody: Bool
    package var isStrict: Bool
    package var onChange: ChangePolicy
    package var sync: SyncPolicy
    package var compressionLevel: Int
    /// How long the window may drain after an interrupt.
    package var drainTimeout: Interval
    /// The built-in model server to run against; nil: a real one.
    package var simulator: SimulatorConfiguration?
    package var pricing: Pricing
    /// The provider's batches in place of live requests; nil: live.
    package var batch: BatchSettings?
    /// How the rows are divided between batches and live requests; nil: all go one way.
    package var route: RouteSettings?
    /// Of a live leg of the route: whether requests ask for the flexible tier; nil: they do not.
    package var flexGate: Locked<FlexGate>?
    package var order = SendingOrder.input
    /// When equal requests share an answer; nil: each is asked.
    package var reuse: ReuseOptions?
    /// Whether answers are asked for as streams.
    package var streams = false
    /// How gaps are filled; nil: as the endpoint does where a row has one.
    package var fill: FillOptions?
    /// What `--tools` offers in every request, as it is recorded; empty: nothing.
    package var tools: [UInt8] = []
    /// Where the values are from that were given.
    package var origins: [(name: String, value: String, origin: String)] = []

    /// Answers that an item may have at most: each round may be corrected.
    package var repliesMax: Int {
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
    package mutating func tell(by means: SchemaMeans) throws(RetortError) {
        try refuseUnheardCorrections()
        parameters = untold
        try check?.tell(by: means, in: &parameters, endpoint: endpoint)
        // How an answer comes makes no request another one.
        if streams { parameters.extra = endpoint.dialect.streamMembers + parameters.extra }
        builder = try RequestBuilder(endpoint: endpoint, parameters: parameters, compared: untold)
        instructions = means == .prompt ? check.map { telling.instructions.text($0.schema) } : nil
    }
}
