public import JSONText

/// Divides the reply to a request for several items, so that each item gets a reply as if it had been asked alone: what is
/// said of answers, checks and corrections then needs to know of one item only.
///
/// May be used from several threads at once, each with a parser of its own. It does no I/O and does not wait.
public protocol ReplyDivision: Sendable {
    /// Nil for a reply that is no answer which could be divided, such as an error: it is judged as a whole.
    /// - Parameter count: of the items, from 1.
    func divide(_ reply: ModelReply, for count: Int, with parser: JSONParser) -> DividedReply?
}

/// A reply in parts.
public struct DividedReply: Sendable {
    /// One for each item, in their order.
    public var parts: [ReplyPart]
    /// What the whole reply was billed for.
    public var bill: Bill

    public init(parts: [ReplyPart], bill: Bill) {
        self.parts = parts
        self.bill = bill
    }
}

/// What one item gets of a reply.
public struct ReplyPart: Sendable {
    /// As if the item had been asked alone. Of one that is missing, what debugging needs.
    public var reply: ModelReply
    /// Why there is nothing for the item; nil where there is.
    public var missing: String?
    /// The item's part of the bill; nil where it has none.
    public var bill: Bill?

    public init(reply: ModelReply, missing: String? = nil, bill: Bill?) {
        self.reply = reply
        self.missing = missing
        self.bill = bill
    }
}

extension Judgement {
    /// The same of an answer that came with those of other items.
    public func bearing(_ share: AnswerShare) -> Judgement {
        var judgement = self
        judgement.bill = share.bill
        judgement.rejected = rejected?.with(share: share)
        if case .answer(let answer) = verdict { judgement.verdict = .answer(answer.with(share: share)) }
        return judgement
    }
}
