import Glibc

/// The one shape of an error in Retort: what happened, where, why, and what to do next.
///
/// `description` reads `message (place): cause. remedy`, so it can be printed as it is after `retort: `.
public struct RetortError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of error. The command line maps each code to one exit status.
    public enum Code: String, Sendable, CaseIterable {
        /// The command line itself is wrong: an unknown flag, a missing argument.
        case usage
        /// A named input does not exist or cannot be read.
        case inputMissing
        /// An input row or file cannot be understood.
        case badInput
        /// Stored data fails its checks.
        case damagedData
        /// The system refused to read or write.
        case io
        /// The disk is full; the work can go on when there is room.
        case noSpace
        /// Another process holds the store.
        case busy
        /// A setting is missing, contradictory, or differs from the store's job.
        case configuration
        /// The API refused the key or the model: no request can succeed.
        case refused
        /// The work stopped early, or some items failed; it can be resumed.
        case incomplete
        /// The requested item is not in the store.
        case notFound
        /// The user interrupted the work.
        case interrupted
    }

    public var code: Code
    /// What went wrong, in a few words, without a full stop.
    public var message: String
    /// Where: a file, `file:line` or `file:line:column`, an address.
    public var place: String?
    /// The underlying cause, in the words of the system or a library.
    public var cause: String?
    /// What to do next, as a full sentence.
    public var remedy: String?

    public init(_ code: Code, _ message: String, at place: String? = nil, cause: String? = nil, remedy: String? = nil) {
        self.code = code
        self.message = message
        self.place = place
        self.cause = cause
        self.remedy = remedy
    }

    public var description: String {
        var text = message
        if let place { text = "\(place): \(text)" }
        if let cause { text += ": \(cause)" }
        if let remedy {
            text = String(Self.withoutStop(text))
            text += Self.isEnd(text) ? " " : ". "
            text += remedy
        }
        return text
    }

    /// The text without full stops, colons and spaces at its end: a cause, such as an API's message, may be a whole
    /// sentence.
    private static func withoutStop(_ text: String) -> Substring {
        let end = text.unicodeScalars.lastIndex { ![".", " ", ":", "\n"].contains($0) }
        return end.map { text[...$0] } ?? ""
    }

    /// Whether the text ends with sentence punctuation other than a full stop, or with that of another script.
    private static func isEnd(_ text: String) -> Bool {
        guard let last = text.unicodeScalars.last else { return false }
        return ["!", "?", "\u{2026}", "\u{3002}", "\u{FF01}", "\u{FF1F}"].contains(last)
    }
}

extension RetortError {
    /// The error of a failed system call: `operation` names the call ("write"), `path` the file. Pass `errno` as
    /// `number` at once, before another call can change it.
    public static func system(_ number: Int32, _ operation: String, _ path: String) -> RetortError {
        let cause = "\(operation): \(String(cString: strerror(number)))"
        switch number {
        case ENOSPC, EDQUOT:
            return RetortError(
                .noSpace, "no space left on the disk", at: path, cause: cause,
                remedy: "Nothing that was received is lost; free some room and run the same command again.")
        case ENOENT:
            return RetortError(.inputMissing, "no such file or directory", at: path, cause: cause)
        case EACCES, EPERM, EROFS:
            return RetortError(
                .io, "permission denied", at: path, cause: cause,
                remedy: "Check the owner and the mode of the file and of its directory.")
        case EMFILE, ENFILE:
            return RetortError(
                .io, "too many open files", at: path, cause: cause,
                remedy: "Raise the limit with `ulimit -n 4096`, then run the same command again.")
        default:
            return RetortError(.io, "the system refused", at: path, cause: cause)
        }
    }
}
