/// The content of a body with a successful status.
enum ParsedBody {
    case answer(ModelAnswer)
    /// A filter withheld the answer, or the model refused; described by the message.
    case filtered(String)
    /// An error with a successful status.
    case error(ErrorBody)
    /// A body of a server that is unhealthy or not ready: a retry may bring an answer. Described by the message.
    case sick(String)
    /// A complete body that is not an answer of a known form, or is unusable: it is paid for only once.
    case unknown(String)
}
