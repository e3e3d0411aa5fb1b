import Basics
import Dataset
import JSONText
import ModelAPI
import ResponseGenerator
import SegmentStore

/// One exchange that has ended, as it is told to a collector: an item's outcome, or an answer that was paid for and led to
/// another request. Small, and nothing in it keeps an answer's body in memory.
struct TelemetrySpan: Sendable, Hashable {
    /// Since 1970.
    var start: UInt64
    var end: UInt64
    /// The number of the run or stage, and that of the server there.
    var run: Int
    var endpoint: Int
    var id: [UInt8]
    var sample: UInt32
    /// The request's body, where it is short enough to be looked at for the model that it names; empty once it was.
    private(set) var body: [UInt8]
    /// The model that is asked.
    private(set) var asked = ""
    /// The model that answered, a JSON string; empty where it is unsaid.
    var model: [UInt8]
    var finishReason = ""
    var usage = TokenUsage()
    var attempts: Int
    var firstToken: Interval?
    /// The failure's class and what it met; empty for an answer.
    var failureClass = ""
    var message = ""
    var status = 0

    static let bodyBytesMax = 8 * 1024
    private static let modelBytesMax = 256
    private static let messageScalarsMax = 200

    /// Nil for what is no exchange of its own: an answer of an equal request, a verdict, and what a round has told already.
    /// - Parameters:
    ///   - offset: nanoseconds from the monotonic clock to the time since 1970.
    ///   - isJudged: whether a verifier judges the run's answers, each of which is a round first.
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
        // A copy: the slice would keep the whole body.
        model = answer.map { $0.modelRaw.count <= Self.modelBytesMax ? Array($0.modelRaw) : [] } ?? []
        if let answer { (finishReason, usage) = (answer.finishReason, answer.usage) }
        guard let failure else { return }
        failureClass = failure.failureClass.rawValue
        message = String(failure.message.unicodeScalars.prefix(Self.messageScalarsMax))
        status = failure.status
    }

    /// Looks for the model that the request names. Not on the loop's thread.
    mutating func readModel(else model: String) {
        let named = body.isEmpty ? nil : (try? JSONParser().parse(body))?.root["model"]?.string
        (asked, body) = (named.map(RunRecord.cut) ?? model, [])
    }
}
