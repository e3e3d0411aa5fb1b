/// How a batch has ended.
public enum BatchEnd: Sendable, Hashable {
    case completed
    /// The window has passed; what is not answered was not billed.
    case expired
    case cancelled
    /// The provider did not take it: nothing was asked.
    case failed(code: String, message: String)
}

/// What a provider says of one batch.
public struct BatchView: Sendable, Hashable {
    public var id: String
    /// Nil while it is under way.
    public var end: BatchEnd?
    public var total = 0
    public var succeeded = 0
    public var failed = 0
    /// Seconds since 1970; 0 where the provider does not say it.
    public var created = 0
    public var expires = 0
    /// What the batch was made from, where the provider says it.
    public var inputFile: String?
    public var name: String?
    /// Paths of its results, once it has ended.
    public var results: [String] = []

    public init(id: String) { self.id = id }
}

/// A page of a list, the newest first.
public struct BatchPage<Element: Sendable>: Sendable {
    public var elements: [Element]
    /// Where the next page begins; nil: there is none.
    public var next: String?

    public init(_ elements: [Element], next: String?) {
        self.elements = elements
        self.next = next
    }
}

/// One line of a result file.
public struct BatchResult: Sendable {
    public enum Kind: Sendable {
        /// What the API answered.
        case reply(status: Int, body: [UInt8])
        /// It was not asked in time, and not billed.
        case expired
        /// It was not asked, because the batch was cancelled.
        case cancelled
        /// The provider failed on it.
        case failed(message: String)
    }

    public var customID: String
    public var kind: Kind

    public init(customID: String, kind: Kind) {
        self.customID = customID
        self.kind = kind
    }
}
