public import Basics
public import ModelAPI

/// An item's rounds so far: billed answers that the sink has taken as rounds.
public struct RoundsSoFar: Sendable, Hashable {
    /// The number of the newest; 0 if there is none.
    public var count: UInt32
    /// Their total cost, in nanodollars.
    public var nanodollars: Int

    public init(count: UInt32 = 0, nanodollars: Int = 0) {
        self.count = count
        self.nanodollars = nanodollars
    }
}

/// An answer that is on disk as a round, and has not been judged by the verifier.
public struct HeldAnswer: Sendable {
    public var answer: ModelAnswer
    public var latency: Interval

    public init(_ answer: ModelAnswer, latency: Interval) {
        self.answer = answer
        self.latency = latency
    }
}

/// A verifier's verdict on one answer.
public struct ItemOpinion: Sendable {
    public var verifier: String
    /// The number of the round that it concerns; 0: the item's outcome.
    public var round: UInt32
    public var pass: Bool
    /// The verifier's score; 1 for a pass and 0 for a rejection if it gives none.
    public var score: Double
    public var feedback: String
    /// A JSON value from the verifier; empty if it gave none.
    public var details: [UInt8]
    /// How long it took.
    public var time: Interval

    public init(
        verifier: String, round: UInt32, pass: Bool, score: Double? = nil, feedback: String = "", details: [UInt8] = [],
        time: Interval = .zero
    ) {
        self.verifier = verifier
        self.round = round
        self.pass = pass
        self.score = score ?? (pass ? 1 : 0)
        self.feedback = feedback
        self.details = details
        self.time = time
    }
}

/// An answer that a verifier rejected, and the verdict.
public struct RejectedAnswer: Sendable {
    public var answer: ModelAnswer
    public var opinion: ItemOpinion

    public init(_ answer: ModelAnswer, _ opinion: ItemOpinion) {
        self.answer = answer
        self.opinion = opinion
    }
}

/// The item whose answer a verifier judges.
public struct JudgedItem<Context: Sendable>: Sendable {
    public var context: Context
    /// The request that was answered.
    public var request: ModelRequest
    /// The answer's number among the item's rounds, from 1.
    public var round: UInt32
    /// Further rounds that a verifier has requested before.
    public var rejections: Int
    /// The rejected answer with the best score so far.
    public var best: RejectedAnswer?
}

/// The decision about a judged answer.
public enum VerifierRuling: Sendable {
    /// It is the outcome in this form; its verdict says whether it passed or is the best so far.
    case accept(ModelAnswer, passes: Bool)
    /// It is not good enough; the item continues with this request.
    indirect case ask(ModelRequest, ItemOpinion)
    /// It is not good enough, and the item fails. `verdict` is a JSON object for its record.
    case reject(ItemOpinion, message: String, verdict: [UInt8])
    /// The verifier failed, not the answer: the item stays pending, and its answer is judged by a later run.
    case unable(String)
}

/// Judges answers that all stages have accepted. They are on disk by then, so it may take its time.
public protocol AnswerVerifier<Context>: Sendable {
    associatedtype Context: Sendable

    /// Maximum answers that it judges at a time.
    var answersMax: Int { get }

    /// Called from many tasks. When its task is cancelled it must soon return `.unable`.
    func judge(_ answer: ModelAnswer, of item: JudgedItem<Context>) async -> VerifierRuling
}
