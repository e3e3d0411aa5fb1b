/// How a batch has ended.
public enum BatchEnd: Sendable, Hashable {
    case completed
    /// The completion window has passed; unanswered requests were not billed.
    case expired
    case cancelled
    /// The provider rejected it: no request was processed.
    case failed(code: String, message: String)
}

/// A provider's report on one batch.
public struct BatchView: Sendable, Hashable {
    public var id: String
    /// Nil while it is in progress.
    public var end: BatchEnd?
    public var total = 0
    public var succeeded = 0
    public var failed = 0
    /// Seconds since 1970; 0 if not reported.
    public var created = 0
    public var expires = 0
    /// The id of its input file, if reported.
    public var inputFile: String?
    public var name: String?
    /// Paths of its results, once it has ended.
    public var results: [String] = []

    public init(id: String) { self.id = id }
}

/// A page of a list, newest first.
public struct BatchPage<Element: Sendable>: Sendable {
    public var elements: [Element]
    /// Where the next page begins; nil: this is the last one.
    public var next: String?

    public init(_ elements: [Element], next: String?) {
        self.elements = elements
        self.next = next
    }
}

/// One line of a result file.
public struct BatchResult: Sendable {
    public enum Kind: Sendable {
        /// The API's response.
        case reply(status: Int, body: [UInt8])
        /// The request was not processed in time, and not billed.
        case expired
        /// The request was not processed, because the batch was cancelled.
        case cancelled
        /// The provider failed to process the request.
        case failed(message: String)
    }

    public var customID: String
    public var kind: Kind

    public init(customID: String, kind: Kind) {
        self.customID = customID
        self.kind = kind
    }
}
