/// Why a connection could not be opened, which decides which exchanges fail with it.
enum OpeningFailure {
    /// Name resolution failed: every waiting exchange.
    case lookup
    /// The connect timeout expired: every exchange that has waited that long, including time spent queued.
    case timeout
    /// Another error: the next exchange in the queue.
    case other
}
