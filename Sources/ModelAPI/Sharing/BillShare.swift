/// One item's part of a bill that several items have together.
///
/// Tokens are divided one kind at a time, money as a whole: prices are multiplied by the tokens of the whole bill, since
/// parts that are priced and rounded one by one would not add up to it.
public struct BillShare: Sendable, Hashable {
    /// The tokens of the whole bill.
    public var usage: TokenUsage
    /// Which part it is, from 0.
    public var place: Int
    /// Parts of the bill, from 1.
    public var count: Int

    /// This part of a number that is not negative. The parts add up to it; what is left over goes to the first ones.
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

/// How an answer came with those of other items.
public struct AnswerShare: Sendable, Hashable {
    /// Names the request: all answers of its reply have the same one.
    public var request: UInt64
    /// Which of the items it is, from 0.
    public var place: Int
    /// The items that were asked for.
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
    /// The same bill in so many parts, which add up to it.
    /// - Parameter count: from 1.
    public func divided(into count: Int) -> [Bill] {
        (0..<count).map { place in
            let share = BillShare(usage: usage, place: place, count: count)
            var part = Bill(usage: share.part(of: usage))
            // A bill below zero is counted as none, here as elsewhere.
            part.costStatedNanodollars = costStatedNanodollars.map { share.part(of: max(0, $0)) }
            part.share = share
            return part
        }
    }
}
