import Basics

/// One batch of the simulator, in any of the APIs.
struct BatchJob {
    /// One request of a batch.
    struct Line {
        /// As written: escaped, without quotes.
        var customID: [UInt8]
        /// The range of the request's body in the batch's bytes.
        var body: Range<Int>
        var endpoint: CompletionRequest.Endpoint
    }

    enum State: Equatable {
        case running
        case completed
        case expired
        case cancelled
        /// The batch failed validation.
        case failed(code: String, message: String)
    }

    /// The outcome of a line.
    enum Outcome {
        /// Status and body.
        case answered(Int, [UInt8])
        case expired
        case cancelled
    }

    let number: Int
    let id: String
    let isMessages: Bool
    var endpoint = ""
    var inputFile = ""
    /// The file's name.
    var name = ""
    /// Raw JSON.
    var metadata: [UInt8] = Array("null".utf8)
    let created: Int64
    let begun: Instant
    /// Nil: the batch never ends.
    var due: Instant?
    /// How long the batch takes.
    var duration: Interval
    var source: [UInt8] = []
    var lines: [Line] = []
    var faults: Set<BatchFault> = []
    var state = State.running
    var ended: Int64?
    var isCancelling = false
    var form = ProviderForm.openAI
    /// For a job of Mistral's API: the model of all lines.
    var mistralModel: String?
    var output: [UInt8] = []
    var errors: [UInt8] = []
    var outputFile: String?
    var errorFile: String?
    var succeeded = 0
    var errored = 0
    var expired = 0
    var cancelled = 0
    /// Answers that a provider would bill, and their tokens.
    var billed = 0
    var promptTokens = 0
    var completionTokens = 0

    /// The number of lines processed so far.
    func progress(at now: Instant) -> Int {
        guard state == .running else { return lines.count }
        guard due != nil, duration > .zero else { return 0 }
        let share = min(max((now - begun).seconds / duration.seconds, 0), 1)
        return Int(Double(lines.count) * share)
    }
}
