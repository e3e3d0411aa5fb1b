public import ModelAPI

/// One request for several items, and how its reply is divided among them. Consecutive items with the same shared
/// request are sent together if they are exactly as many as it asks for; otherwise each is sent alone.
///
/// Whatever fails or is missing after its reply has arrived concerns one item only, which continues alone, with its own
/// request. The reply is one attempt of each item.
public final class SharedRequest: Sendable {
    /// Identifies it in the records of its answers.
    public let name: UInt64
    public let request: ModelRequest
    /// The number of its items, from 1.
    public let count: Int
    /// Tokens that rate limits reserve before it is sent.
    public let estimatedTokens: Int
    /// Its worst-case cost, in nanodollars; 0 without a budget.
    public let costMax: Int
    public let division: any ReplyDivision
    /// Whether the items are sent one by one if the request gets no answer, since one of them may be the cause.
    /// Otherwise all of them have failed.
    public let partsOnFailure: Bool

    public init(
        name: UInt64, request: ModelRequest, count: Int, estimatedTokens: Int, costMax: Int,
        division: any ReplyDivision, partsOnFailure: Bool
    ) {
        precondition(count > 0, "a request asks for something")
        self.name = name
        self.request = request
        self.count = count
        self.estimatedTokens = estimatedTokens
        self.costMax = costMax
        self.division = division
        self.partsOnFailure = partsOnFailure
    }
}
