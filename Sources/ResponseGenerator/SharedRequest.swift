public import ModelAPI

/// One request that asks for several items, and how its reply is divided among them. Items that are handed out one after
/// the other with the same one go out together, if they are as many as it asks for; else each goes out alone.
///
/// All that fails or is missing after its reply has come is one item's affair: that item goes on alone, with its own
/// request. The reply is one attempt of each.
public final class SharedRequest: Sendable {
    /// Names it in the records of its answers.
    public let name: UInt64
    public let request: ModelRequest
    /// Items that it asks for, from 1.
    public let count: Int
    /// What rate limits by tokens reserve before it goes out.
    public let estimatedTokens: Int
    /// What it may cost at worst, in nanodollars; 0 where there is no budget.
    public let costMax: Int
    public let division: any ReplyDivision
    /// Whether the items are asked one by one where no answer comes to the request, since one of them may be the cause.
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
