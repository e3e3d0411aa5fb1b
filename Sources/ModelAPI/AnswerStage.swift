public import JSONText

/// A check that an answer passes before it counts. Stages run in order, each on what the one before it made of the answer.
///
/// A stage may be used from several threads at once, and answers at once: it does no I/O and does not wait.
public protocol AnswerStage: Sendable {
    func judge(_ answer: ModelAnswer, with parser: JSONParser) -> StageVerdict
}

/// What a stage makes of an answer.
public enum StageVerdict: Sendable {
    /// Goes on to the next stage, as it is here.
    case accept(ModelAnswer)
    /// The item fails: the answer was paid for and is kept with the failure.
    case reject(FailureClass, message: String)
}
