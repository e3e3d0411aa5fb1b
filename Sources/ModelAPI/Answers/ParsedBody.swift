/// What a successful status brought.
enum ParsedBody {
    case answer(ModelAnswer)
    /// A filter withheld the answer, or the model refused; the message says so.
    case filtered(String)
    /// An error under a successful status.
    case error(ErrorBody)
    /// What servers send that are not well or not ready: another try may bring an answer. The message says what.
    case sick(String)
    /// A whole body that is no answer of any known form, or one that cannot be used: paid once is enough.
    case unknown(String)
}
