/// Names of other programs for options of `run`, if a value under such a name can only mean one thing.
enum Spellings {
    /// The corresponding option and text.
    struct Meaning: Hashable {
        var option: String
        var text: String
    }

    private enum Change {
        case none
        /// The number is in seconds.
        case seconds
        /// The number does not include the first attempt.
        case oneMore
        /// It is a member of the request's body, under its own name.
        case member
    }

    private static let table: [String: (option: String, change: Change)] = [
        "max-concurrent-requests": ("concurrency", .none), "semaphore-size": ("concurrency", .none),
        "max-concurrency": ("concurrency", .none), "max-concurrent": ("concurrency", .none),
        "max-workers": ("concurrency", .none), "num-workers": ("concurrency", .none),
        "max-parallel-requests": ("concurrency", .none),
        "rate-limit-per-second": ("rps", .none), "requests-per-second": ("rps", .none), "qps": ("rps", .none),
        "rate-limit-per-minute": ("rpm", .none), "requests-per-minute": ("rpm", .none),
        "max-requests-per-minute": ("rpm", .none), "tokens-per-minute": ("tpm", .none),
        "max-tokens-per-minute": ("tpm", .none),
        "timeout-s": ("timeout", .seconds), "timeout-seconds": ("timeout", .seconds),
        "request-timeout": ("timeout", .seconds), "request-timeout-s": ("timeout", .seconds),
        "retry-delay-s": ("retry-base", .seconds), "retry-delay": ("retry-base", .seconds),
        "max-retries": ("attempts", .oneMore), "num-retries": ("attempts", .oneMore),
        "retries": ("attempts", .oneMore), "max-attempts": ("attempts", .none),
        "max-new-tokens": ("max-tokens", .none), "max-output-tokens": ("max-tokens", .none),
        "api-base": ("base-url", .none), "api-url": ("base-url", .none), "openai-api-base": ("base-url", .none),
        "model-name": ("model", .none), "model-id": ("model", .none),
        "api-key-env": ("key-variable", .none), "api-key-env-var": ("key-variable", .none),
        "api-key-variable": ("key-variable", .none),
        "output-dir": ("out", .none), "output-path": ("out", .none), "extra-body": ("param", .none),
        "extra-headers": ("header", .none), "headers": ("header", .none),
        "top-k": ("param", .member), "min-p": ("param", .member), "presence-penalty": ("param", .member),
        "frequency-penalty": ("param", .member), "repetition-penalty": ("param", .member),
    ]

    /// The option for a name (with `-` between its words); nil if it is not such a name.
    static func option(_ name: String) -> String? { table[name]?.option }

    /// The meaning of a scalar under such a name; nil if it is not such a name. A text that does not fit is left
    /// unchanged, for the option's own error.
    static func meaning(of name: String, _ text: String, json: String) -> Meaning? {
        guard let (option, change) = table[name] else { return nil }
        switch change {
        case .none: return Meaning(option: option, text: text)
        case .seconds:
            let isNumber = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2E }
            return Meaning(option: option, text: isNumber ? text + "s" : text)
        case .oneMore:
            let more = Int(text).flatMap { $0 >= 0 && $0 < Int.max ? String($0 + 1) : nil }
            return Meaning(option: option, text: more ?? text)
        case .member: return Meaning(option: option, text: "\(name.replacing("-", with: "_"))=\(json)")
        }
    }
}
