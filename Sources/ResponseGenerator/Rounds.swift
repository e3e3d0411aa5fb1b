public import Basics
public import ModelAPI

/// The rounds an item has had: answers that were billed and that the sink has taken as rounds.
public struct RoundsSoFar: Sendable, Hashable {
    /// The number of the newest; 0 where there is none.
    public var count: UInt32
    /// What they have cost together, in nanodollars.
    public var nanodollars: Int

    public init(count: UInt32 = 0, nanodollars: Int = 0) {
        self.count = count
        self.nanodollars = nanodollars
    }
}

/// An answer that is on disk as a round, and has still to be judged by the verifier.
public struct HeldAnswer: Sendable {
    public var answer: ModelAnswer
    public var latency: Interval

    public init(_ answer: ModelAnswer, latency: Interval) {
        self.answer = answer
        self.latency = latency
    }
}

/// What a verifier said of one answer.
public struct ItemOpinion: Sendable {
    public var verifier: String
    /// The number of the round that it is about; 0: of the item's outcome.
    public var round: UInt32
    public var pass: Bool
    /// From the verifier; 1 for a pass and 0 for a rejection where it gives none.
    public var score: Double
    public var feedback: String
    /// A JSON value of the verifier's own; empty where it gave none.
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

/// An answer that a verifier has rejected, and what it said.
public struct RejectedAnswer: Sendable {
    public var answer: ModelAnswer
    public var opinion: ItemOpinion

    public init(_ answer: ModelAnswer, _ opinion: ItemOpinion) {
        self.answer = answer
        self.opinion = opinion
    }
}

/// What a verifier is told of the item whose answer it judges.
public struct JudgedItem<Context: Sendable>: Sendable {
    public var context: Context
    /// What the answer answers.
    public var request: ModelRequest
    /// The answer's number among the item's rounds, from 1.
    public var round: UInt32
    /// How often a verifier has asked again for the item before.
    public var rejections: Int
    /// Of the answers that were rejected before, the one with the best score.
    public var best: RejectedAnswer?
}

/// What becomes of an answer that a verifier has judged.
public enum VerifierRuling: Sendable {
    /// It is the outcome, as it is here; with its verdict, whether it passes or is the best that there was.
    case accept(ModelAnswer, passes: Bool)
    /// It is not good enough; the item goes on with this request.
    indirect case ask(ModelRequest, ItemOpinion)
    /// It is not good enough, and the item fails. `verdict` is what its record says of it, a JSON object.
    case reject(ItemOpinion, message: String, verdict: [UInt8])
    /// The verifier failed, not the answer: the item stays pending, and its answer is judged by a later run.
    case unable(String)
}

/// Judges answers that all stages have accepted. They are on disk by then, so it may take its time.
public protocol AnswerVerifier<Context>: Sendable {
    associatedtype Context: Sendable

    /// Answers that it judges at the same time.
    var answersMax: Int { get }

    /// Called from many tasks. When its task is cancelled it must return soon, `.unable`.
    func judge(_ answer: ModelAnswer, of item: JudgedItem<Context>) async -> VerifierRuling
}
