import Basics
import Dataset
import JSONText
import ModelAPI
import ResponseGenerator
import SegmentStore

/// One ended exchange in the form for a collector: an item's outcome, or a paid answer that led to another request.
/// Small; it keeps no answer's body in memory.
struct TelemetrySpan: Sendable, Hashable {
    /// Since 1970.
    var start: UInt64
    var end: UInt64
    /// The number of the run or stage, and of its server.
    var run: Int
    var endpoint: Int
    var id: [UInt8]
    var sample: UInt32
    /// The request's body, if it is short enough to be searched for its model; empty after the search.
    private(set) var body: [UInt8]
    /// The requested model.
    private(set) var asked = ""
    /// The model that answered, a JSON string; empty if unknown.
    var model: [UInt8]
    var finishReason = ""
    var usage = TokenUsage()
    var attempts: Int
    var firstToken: Interval?
    /// The failure's class and cause; empty for an answer.
    var failureClass = ""
    var message = ""
    var status = 0

    static let bodyBytesMax = 8 * 1024
    private static let modelBytesMax = 256
    private static let messageScalarsMax = 200

    /// Nil for an outcome that is not an exchange of its own: a reused answer, a verdict, or what a round has already
    /// reported.
    /// - Parameters:
    ///   - offset: nanoseconds to add to the monotonic clock to get the time since 1970.
    ///   - isJudged: whether a verifier judges the run's answers, each of which is first reported as a round.
    init?(_ outcome: Outcome<ItemContext>, run: Int, offset: Int64, isJudged: Bool) {
        var request = outcome.context.request
        var answer: ModelAnswer?
        var failure: ItemFailure?
        switch outcome.result {
        case .opinion: return nil
        case .answer(let given):
            guard !isJudged, given.reusedFrom == nil else { return nil }
            answer = given
        case .failure(let met):
            guard met.verdict.isEmpty else { return nil }
            (failure, answer) = (met, met.answer)
        case .round(let round):
            request = round.request
            answer = round.failure.answer
            if !round.isUnjudged { failure = round.failure }
        }
        let ended = outcome.finishedAt.nanoseconds &+ offset
        end = UInt64(max(0, ended))
        start = UInt64(max(0, ended &- max(0, outcome.latency.nanoseconds)))
        (self.run, endpoint, attempts, firstToken) = (run, outcome.endpoint, outcome.attempts, outcome.firstToken)
        (id, sample) = (outcome.context.key.id, outcome.context.key.sample)
        body = request.body.count <= Self.bodyBytesMax ? request.body : []
        // Copied: a slice would keep the whole body in memory.
        model = answer.map { $0.modelRaw.count <= Self.modelBytesMax ? Array($0.modelRaw) : [] } ?? []
        if let answer { (finishReason, usage) = (answer.finishReason, answer.usage) }
        guard let failure else { return }
        failureClass = failure.failureClass.rawValue
        message = String(failure.message.unicodeScalars.prefix(Self.messageScalarsMax))
        status = failure.status
    }

    /// Finds the model that the request names. Not on the loop's thread.
    mutating func readModel(else model: String) {
        let named = body.isEmpty ? nil : (try? JSONParser().parse(body))?.root["model"]?.string
        (asked, body) = (named.map(RunRecord.cut) ?? model, [])
    }
}
