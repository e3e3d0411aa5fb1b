public import JSONText

/// Divides the reply to a request for several items into one reply per item, as if each had been sent alone, so that
/// answers, checks and corrections deal with one item only.
///
/// May be used from several threads at once, each with its own parser. It does no I/O and does not wait.
public protocol ReplyDivision: Sendable {
    /// Nil for a reply that cannot be divided, such as an error: it is classified as a whole.
    ///
    /// - Parameter count: the number of items, from 1.
    func divide(_ reply: ModelReply, for count: Int, with parser: JSONParser) -> DividedReply?
}

/// A reply in parts.
public struct DividedReply: Sendable {
    /// One per item, in order.
    public var parts: [ReplyPart]
    /// The bill of the whole reply.
    public var bill: Bill

    public init(parts: [ReplyPart], bill: Bill) {
        self.parts = parts
        self.bill = bill
    }
}

/// One item's part of a reply.
public struct ReplyPart: Sendable {
    /// As if the item had been sent alone. If its part is missing, what is needed for debugging.
    public var reply: ModelReply
    /// Why there is nothing for the item; nil if there is.
    public var missing: String?
    /// The item's part of the bill; nil if it has none.
    public var bill: Bill?

    public init(reply: ModelReply, missing: String? = nil, bill: Bill?) {
        self.reply = reply
        self.missing = missing
        self.bill = bill
    }
}

extension Judgement {
    /// The judgement of an answer that came together with those of other items.
    public func bearing(_ share: AnswerShare) -> Judgement {
        var judgement = self
        judgement.bill = share.bill
        judgement.rejected = rejected?.with(share: share)
        if case .answer(let answer) = verdict { judgement.verdict = .answer(answer.with(share: share)) }
        return judgement
    }
}
