public import Basics

/// The program's exit statuses, defined only here. From 64 on they follow BSD's sysexits(3) where its meanings fit.
public enum ExitCode: Int32, Sendable, Hashable, CaseIterable {
    case ok = 0
    case notFound = 1
    case usage = 64
    case badData = 65
    case inputMissing = 66
    case busy = 73
    case io = 74
    case incomplete = 75
    case refused = 77
    case configuration = 78
    case interrupted = 130

    /// One line for help and the manual page.
    public var summary: String {
        switch self {
        case .ok: "everything succeeded"
        case .notFound: "not found"
        case .usage: "the command line is wrong"
        case .badData: "stored data is damaged, or an input cannot be understood"
        case .inputMissing: "an input is missing"
        case .busy: "another process is writing the store; retrying at once cannot help"
        case .io: "reading or writing failed, or the disk is full"
        case .incomplete: "some items failed or the run stopped early; run the same command to resume"
        case .refused: "the API rejected the key or the model"
        case .configuration: "a setting is missing or wrong"
        case .interrupted: "interrupted by the user"
        }
    }

    /// The status for an error's code.
    public init(_ code: RetortError.Code) {
        switch code {
        case .usage: self = .usage
        case .inputMissing: self = .inputMissing
        case .badInput, .damagedData: self = .badData
        case .io, .noSpace: self = .io
        case .busy: self = .busy
        case .incomplete: self = .incomplete
        case .configuration: self = .configuration
        case .refused: self = .refused
        case .notFound: self = .notFound
        case .interrupted: self = .interrupted
        }
    }

    /// The status for an error: 0 for a broken pipe, since a reader that stops early is not an error; 74 for an error
    /// that is not a `RetortError`.
    public init(_ error: any Error) {
        guard let error = error as? RetortError else {
            self = .io
            return
        }
        self = error.isBrokenPipe ? .ok : ExitCode(error.code)
    }
}
