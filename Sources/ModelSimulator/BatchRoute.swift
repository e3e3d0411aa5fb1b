/// A request to a batch API: OpenAI's files and batches, or those of Anthropic, Mistral and Gemini.
enum BatchRoute: Hashable {
    case uploadFile
    case listFiles
    case file(String)
    case fileContent(String)
    case deleteFile(String)
    case create
    case list
    case batch(String)
    case cancel(String)
    case createMistral
    case listMistral
    case mistral(String)
    case cancelMistral(String)
    case createMessages
    case listMessages
    case messages(String)
    case messageResults(String)
    case cancelMessages(String)
    case deleteMessages(String)
    case gemini(GeminiRoute)
    case log

    /// Whether errors have Anthropic's format.
    var isAnthropic: Bool {
        switch self {
        case .createMessages, .listMessages, .messages, .messageResults, .cancelMessages, .deleteMessages: true
        default: false
        }
    }

    /// Nil for a path outside these APIs, or a method that the path does not accept.
    init?(method: String, path: Substring) {
        let parts = path.split(separator: "/").map(String.init)
        switch (method, parts.first, parts.count) {
        case ("GET", "simulator", 2) where parts[1] == "batches": self = .log
        case (_, "upload", 3), (_, "v1beta", 2...), (_, "download", 4):
            guard let route = GeminiRoute(method: method, parts) else { return nil }
            self = .gemini(route)
        case (_, "batch", 2...) where parts[1] == "jobs": self.init(jobs: method, Array(parts.dropFirst(2)))
        case (_, "files", _): self.init(files: method, Array(parts.dropFirst()))
        case (_, "batches", _): self.init(batches: method, Array(parts.dropFirst()))
        case (_, "messages", 2...) where parts[1] == "batches": self.init(messages: method, Array(parts.dropFirst(2)))
        default: return nil
        }
    }

    private init?(files method: String, _ rest: [String]) {
        switch (method, rest.count) {
        case ("POST", 0): self = .uploadFile
        case ("POST", 1) where rest[0] == "upload": self = .uploadFile
        case ("GET", 0): self = .listFiles
        case ("GET", 1): self = .file(rest[0])
        case ("DELETE", 1): self = .deleteFile(rest[0])
        case ("GET", 2) where rest[1] == "content": self = .fileContent(rest[0])
        default: return nil
        }
    }

    private init?(jobs method: String, _ rest: [String]) {
        switch (method, rest.count) {
        case ("POST", 0): self = .createMistral
        case ("GET", 0): self = .listMistral
        case ("GET", 1): self = .mistral(rest[0])
        case ("POST", 2) where rest[1] == "cancel": self = .cancelMistral(rest[0])
        default: return nil
        }
    }

    private init?(batches method: String, _ rest: [String]) {
        switch (method, rest.count) {
        case ("POST", 0): self = .create
        case ("GET", 0): self = .list
        case ("GET", 1): self = .batch(rest[0])
        // Gemini's ids are paths.
        case ("GET", 2) where rest[0] == "batches": self = .batch("batches/\(rest[1])")
        case ("POST", 2) where rest[1] == "cancel": self = .cancel(rest[0])
        default: return nil
        }
    }

    private init?(messages method: String, _ rest: [String]) {
        switch (method, rest.count) {
        case ("POST", 0): self = .createMessages
        case ("GET", 0): self = .listMessages
        case ("GET", 1): self = .messages(rest[0])
        case ("DELETE", 1): self = .deleteMessages(rest[0])
        case ("GET", 2) where rest[1] == "results": self = .messageResults(rest[0])
        case ("POST", 2) where rest[1] == "cancel": self = .cancelMessages(rest[0])
        default: return nil
        }
    }
}

/// A call of Gemini's own API, for what its OpenAI-compatible form lacks.
enum GeminiRoute: Hashable {
    case upload
    case listFiles
    case listBatches
    case batch(String)
    case cancel(String)
    case download(String)

    init?(method: String, _ parts: [String]) {
        switch (method, parts.dropLast().joined(separator: "/"), parts.last ?? "") {
        case ("POST", "upload/v1beta", "files"): self = .upload
        case ("GET", "v1beta", "files"): self = .listFiles
        case ("GET", "v1beta", "batches"): self = .listBatches
        case ("POST", "v1beta/batches", let name) where name.hasSuffix(":cancel"):
            self = .cancel("batches/\(name.dropLast(":cancel".count))")
        case ("GET", "v1beta/batches", let name): self = .batch("batches/\(name)")
        case ("GET", "download/v1beta/files", let name) where name.hasSuffix(":download"),
            ("GET", "v1beta/files", let name) where name.hasSuffix(":download"):
            self = .download("files/\(name.dropLast(":download".count))")
        default: return nil
        }
    }
}
