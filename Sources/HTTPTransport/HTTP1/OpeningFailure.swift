/// Why a connection could not be opened, as far as it matters which exchanges fail with it.
enum OpeningFailure {
    /// The name is not known: all that wait.
    case lookup
    /// The time for it has passed: those that have waited as long, if only for their turn.
    case timeout
    /// The one whose turn it is.
    case other
}
