/// One item's part of a bill for several items.
///
/// Tokens are divided one kind at a time, money as a whole: prices are multiplied by the tokens of the whole bill,
/// since parts that are priced and rounded one by one would not add up.
public struct BillShare: Sendable, Hashable {
    /// The tokens of the whole bill.
    public var usage: TokenUsage
    /// The part's index, from 0.
    public var place: Int
    /// The number of parts, from 1.
    public var count: Int

    /// This part of a non-negative number. The parts add up to it; the remainder goes to the first ones.
    func part(of whole: Int) -> Int {
        let (each, rest) = whole.quotientAndRemainder(dividingBy: count)
        return each + (place < rest ? 1 : 0)
    }

    func part(of whole: TokenUsage) -> TokenUsage {
        TokenUsage(
            prompt: part(of: whole.prompt), completion: part(of: whole.completion),
            reasoning: part(of: whole.reasoning), cached: part(of: whole.cached))
    }
}

/// How an answer came together with those of other items.
public struct AnswerShare: Sendable, Hashable {
    /// Identifies the request: all answers of its reply have the same value.
    public var request: UInt64
    /// The item's index, from 0.
    public var place: Int
    /// The number of items in the request.
    public var count: Int
    public var bill: Bill

    public init(request: UInt64, place: Int, count: Int, bill: Bill) {
        self.request = request
        self.place = place
        self.count = count
        self.bill = bill
    }
}

extension Bill {
    /// The bill divided into parts, which add up to it.
    ///
    /// - Parameter count: from 1.
    public func divided(into count: Int) -> [Bill] {
        (0..<count).map { place in
            let share = BillShare(usage: usage, place: place, count: count)
            var part = Bill(usage: share.part(of: usage))
            // A negative cost counts as none, here as elsewhere.
            part.costStatedNanodollars = costStatedNanodollars.map { share.part(of: max(0, $0)) }
            part.share = share
            return part
        }
    }
}
