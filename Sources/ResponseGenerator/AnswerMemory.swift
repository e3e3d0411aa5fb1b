public import ModelAPI

/// What items have in common that may share one answer.
public struct ReuseKey: Sendable, Hashable {
    /// Of the request.
    public var fingerprint: UInt64
    /// A hash of where it goes.
    public var path: UInt64
    /// Samples are meant to differ.
    public var sample: UInt32

    public init(fingerprint: UInt64, path: UInt64 = 0, sample: UInt32) {
        self.fingerprint = fingerprint
        self.path = path
        self.sample = sample
    }
}

/// Answers that are known already, by what was asked.
public protocol AnswerMemory: Sendable {
    /// Whether there may be an answer. Called on the generator's executor; must be quick.
    func mayKnow(_ key: ReuseKey) -> Bool
    /// The answer, as `ModelAnswer.reused` makes it; nil where there is none after all.
    func recall(_ key: ReuseKey) async -> ModelAnswer?
    /// An item has this answer, which the sink gets next. Called on the generator's executor; must be quick.
    func keep(_ key: ReuseKey, _ answer: ModelAnswer)
}
