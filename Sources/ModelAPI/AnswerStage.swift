public import JSONText

/// What was asked, for a stage that asks again.
public struct AskedRequest: Sendable {
    public var request: ModelRequest
    /// How often a stage has asked again for the item: 0 at first.
    public var corrections: Int

    public init(_ request: ModelRequest, corrections: Int = 0) {
        self.request = request
        self.corrections = corrections
    }
}

/// A check that an answer passes before it counts. Stages run in order, each on what the one before it made of the answer.
///
/// A stage may be used from several threads at once, and answers at once: it does no I/O and does not wait.
public protocol AnswerStage: Sendable {
    func judge(_ answer: ModelAnswer, of asked: AskedRequest, with parser: JSONParser) -> StageVerdict
}

/// What a stage makes of an answer.
public enum StageVerdict: Sendable {
    /// Goes on to the next stage, as it is here.
    case accept(ModelAnswer)
    /// The item fails: the answer was paid for and is kept with the failure.
    case reject(FailureClass, message: String)
    /// The answer is not good enough: this request goes out for the same item, once the answer is on disk. `message`
    /// says what is wrong with the answer.
    indirect case ask(ModelRequest, FailureClass, message: String)
}
