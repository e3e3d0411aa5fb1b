public import JSONText

/// The request, for a stage that asks for a correction.
public struct AskedRequest: Sendable {
    public var request: ModelRequest
    /// Corrections that stages have requested for the item so far.
    public var corrections: Int

    public init(_ request: ModelRequest, corrections: Int = 0) {
        self.request = request
        self.corrections = corrections
    }
}

/// A check that an answer must pass before it counts. Stages run in order, each on the result of the previous one.
///
/// A stage may be used from several threads at once, and returns immediately: it does no I/O and does not wait.
public protocol AnswerStage: Sendable {
    func judge(_ answer: ModelAnswer, of asked: AskedRequest, with parser: JSONParser) -> StageVerdict
}

/// A stage's decision about an answer.
public enum StageVerdict: Sendable {
    /// Passes on to the next stage, in this form.
    case accept(ModelAnswer)
    /// The item fails: the paid answer is kept with the failure.
    case reject(FailureClass, message: String)
    /// The answer is not good enough: this request is sent for the same item, once the answer is on disk. `message`
    /// describes the problem.
    indirect case ask(ModelRequest, FailureClass, message: String)
}
