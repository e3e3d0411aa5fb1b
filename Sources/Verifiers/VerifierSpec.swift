public import Basics

/// A verifier as given in an option.
public enum VerifierSpec: Sendable, Hashable {
    /// The answer's code passes the row's tests.
    case tests
    /// The answer equals the field.
    case equals(field: String)
    /// The answer's last number equals the field's.
    case number(field: String)
    /// The pattern matches in the answer.
    case regex(pattern: String)
    /// The answer contains a JSON value.
    case json
    /// A program of the user's, run by a shell.
    case command(String)

    /// The forms, for help texts.
    public static let forms = "tests, equals:FIELD, number:FIELD, regex:PATTERN, json, or a shell COMMAND"

    /// Parses an option's text. Throws `.usage` if a built-in verifier lacks its argument.
    public init(_ text: String) throws(RetortError) {
        let colon = text.firstIndex(of: ":")
        let word = colon.map { text[..<$0] } ?? text[...]
        let rest = colon.map { String(text[text.index(after: $0)...]) }
        switch (word, rest) {
        case ("tests", nil): self = .tests
        case ("json", nil): self = .json
        case ("equals", _), ("number", _), ("regex", _):
            guard let rest, !rest.isEmpty else {
                let what = word == "regex" ? "a pattern" : "a field of the row"
                throw RetortError(
                    .usage, "the verifier '\(word)' needs \(what)", at: "--verifier \(text)",
                    remedy: word == "regex" ? "Give --verifier 'regex:^yes'." : "Give --verifier \(word):FIELD.")
            }
            self =
                word == "equals"
                ? .equals(field: rest) : word == "number" ? .number(field: rest) : .regex(pattern: rest)
        default:
            guard !text.trimmingBlanks.isEmpty else {
                throw RetortError(
                    .usage, "the verifier is empty", at: "--verifier", remedy: "Give one of \(Self.forms).")
            }
            guard !text.utf8.contains(0) else {
                throw RetortError(.usage, "a command cannot hold a zero byte", at: "--verifier")
            }
            self = .command(text)
        }
    }

    /// The option's text.
    public var text: String {
        switch self {
        case .tests: "tests"
        case .equals(let field): "equals:\(field)"
        case .number(let field): "number:\(field)"
        case .regex(let pattern): "regex:\(pattern)"
        case .json: "json"
        case .command(let command): command
        }
    }

    /// Maximum bytes of a name.
    public static let nameBytesMax = 200

    /// The name under which verdicts are stored: the text. A long text is replaced by its beginning and a hash of the
    /// whole.
    public var name: String {
        let text = text
        guard text.utf8.count > Self.nameBytesMax else { return text }
        let hash = Array(text.utf8).withUnsafeBytes { ContentHash.hash64($0) }
        var start = text
        while start.utf8.count > Self.nameBytesMax - 17 { start.removeLast() }
        return "\(start)~\(Hexadecimal.string(hash))"
    }

    /// Whether the verifier starts processes.
    public var runsProcesses: Bool {
        switch self {
        case .tests, .command: true
        case .equals, .number, .regex, .json: false
        }
    }
}

/// Options of verifiers.
public struct VerifierOptions: Sendable {
    /// Maximum processes at the same time.
    public var workers: Int
    /// How long a worker may take for one answer, or a program under test for one run; nil: 60 s and 10 s.
    public var timeout: Interval?
    /// The sandbox for the code of answers.
    public var sandbox: SandboxMode
    /// The environment for the processes of a user's program.
    public var environment: [String: String]
    /// Environment variables removed for these processes, in addition to names that end in `_API_KEY`.
    public var withheld: Set<String>

    /// The default maximum time of a worker for one answer.
    public static let timeoutDefault = Interval.seconds(60)

    public init(
        workers: Int, timeout: Interval? = nil, sandbox: SandboxMode = .bubblewrap, environment: [String: String],
        withheld: Set<String> = []
    ) {
        self.sandbox = sandbox
        self.workers = workers
        self.timeout = timeout
        self.environment = environment
        self.withheld = withheld
    }
}

extension VerifierSpec {
    /// Creates the verifier. Throws `.usage` for an invalid pattern.
    public func verifier(_ options: VerifierOptions) throws(RetortError) -> any Verifier {
        switch self {
        case .tests:
            return TestsVerifier(
                name: name, workers: options.workers, seconds: options.timeout ?? TestsVerifier.secondsDefault,
                mode: options.sandbox)
        case .equals(let field): return EqualityGrader(name: name, field: field)
        case .number(let field): return NumberGrader(name: name, field: field)
        case .regex(let pattern): return try PatternGrader(name: name, pattern: pattern)
        case .json: return JSONGrader(name: name)
        case .command(let command):
            return WorkerPool(
                name: name, command: command, workers: options.workers,
                timeout: options.timeout ?? VerifierOptions.timeoutDefault,
                environment: options.environment, withheld: options.withheld)
        }
    }
}
