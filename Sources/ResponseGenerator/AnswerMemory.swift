public import ModelAPI

/// Identifies items that may share one answer.
public struct ReuseKey: Sendable, Hashable {
    /// The request's fingerprint.
    public var fingerprint: UInt64
    /// A hash of the request's path.
    public var path: UInt64
    /// Samples are meant to differ, so they never share an answer.
    public var sample: UInt32

    public init(fingerprint: UInt64, path: UInt64 = 0, sample: UInt32) {
        self.fingerprint = fingerprint
        self.path = path
        self.sample = sample
    }
}

/// Known answers, by request.
public protocol AnswerMemory: Sendable {
    /// Whether there may be an answer. Called on the generator's executor; must be quick.
    func mayKnow(_ key: ReuseKey) -> Bool
    /// The answer, as `ModelAnswer.reused` makes it; nil if there is none after all.
    func recall(_ key: ReuseKey) async -> ModelAnswer?
    /// Notes an item's answer, which the sink gets next. Called on the generator's executor; must be quick.
    func keep(_ key: ReuseKey, _ answer: ModelAnswer)
}
