package import Basics
package import BatchDelivery
package import JSONText
package import ModelAPI
package import ResponseGenerator
import SegmentStore

/// The result of one line of a batch, by the rules of a live run. A value; used by one thread.
package struct BatchVerdict {
    /// The results to record, in order.
    package var results: [OutcomeResult] = []
    /// The request for the next batch.
    package var next: BatchItem?
    /// Whether the item stays pending in this run.
    package var isLeft = false
    /// The cost in nanodollars; nil: unknown.
    package var spent: Int? = 0
    /// The part of `spent` that no record states.
    package var unrecorded = 0
    package var rounds: RoundsSoFar
    package var attempts: Int
    /// Attempts of the item's earlier requests.
    private var attemptsBefore: Int
    private let price: TokenPrice?
    /// A refusal that may concern the run rather than the item.
    private var refusal: Refusal?
    /// Why no request of this run can succeed.
    package var stop: RetortError?
    package var retried: FailureClass?

    private init(_ item: BatchItem, price: TokenPrice? = nil) {
        self.price = price
        attemptsBefore = item.attemptsBefore
        rounds = RoundsSoFar(count: item.roundsCount, nanodollars: item.roundsNanodollars)
        attempts = item.attempts
    }

    /// Judges a line with an answer.
    package init(
        _ item: BatchItem, _ reply: ModelReply, price: TokenPrice?, _ classifier: Classifier, attemptsMax: Int,
        with parser: JSONParser
    ) {
        self.init(item, price: price)
        let asked = AskedRequest(item.request, corrections: item.corrections)
        let judgement = classifier.judge(.success(reply), of: asked, with: parser)
        let bill = judgement.bill
        spent = bill.map { $0.nanodollars(at: price ?? .free) } ?? 0
        func failure(_ failureClass: FailureClass, _ message: String) -> ItemFailure {
            let isKept = failureClass == .invalidOutput && reply.status / 100 == 2
            let body = isKept ? reply.body : Array(reply.body.prefix(ItemFailure.bodyBytesMax))
            return ItemFailure(
                failureClass, message, status: reply.status, body: body, answer: judgement.rejected, bill: bill)
        }
        attempts += 1
        switch judgement.verdict {
        case .answer(let answer): results = [.answer(answer)]
        case .fail(let failureClass, let message): results = [.failure(failure(failureClass, message))]
        case .refuse(let refusal):
            results = [.failure(failure(refusal.failureClass, refusal.message))]
            self.refusal = refusal
        case .ask(let request, let failureClass, let message):
            addRound(item, failure(failureClass, message))
            attemptsBefore = attempts
            again(item, request, corrections: item.corrections + 1)
        case .retry(let failureClass, let message, _):
            retry(item, failure(failureClass, message), isBilled: bill != nil, attemptsMax: attemptsMax)
        case .stop(let error):
            stop = error
            isLeft = true
            unrecorded = spent ?? 0
        case .cancelled: isLeft = true
        }
    }

    /// The verdict on a line without an answer.
    ///
    /// - Parameter isPaid: whether it may have been billed.
    package init(
        _ item: BatchItem, unanswered failureClass: FailureClass, _ message: String, isPaid: Bool, attemptsMax: Int
    ) {
        self.init(item)
        spent = isPaid ? nil : 0
        attempts += 1
        retry(item, ItemFailure(failureClass, message), isBilled: false, attemptsMax: attemptsMax)
    }

    /// The verdict on a line that was not processed: it stays pending.
    package static func left(_ item: BatchItem) -> BatchVerdict {
        var verdict = BatchVerdict(item)
        verdict.isLeft = true
        return verdict
    }

    /// The verdict on a line of a batch that the provider rejected: it is sent in another one.
    package static func unasked(_ item: BatchItem) -> BatchVerdict {
        var verdict = BatchVerdict(item)
        verdict.again(item, item.request, corrections: item.corrections)
        return verdict
    }

    /// Leaves the item pending if it was refused for something that all requests may share.
    package mutating func blameRun(_ item: BatchItem) {
        guard let refusal, spent == 0 else { return }
        self = .left(item)
        stop = refusal.error
    }

    private mutating func retry(_ item: BatchItem, _ failure: ItemFailure, isBilled: Bool, attemptsMax: Int) {
        guard attempts - attemptsBefore < attemptsMax else {
            results = [.failure(failure)]
            return
        }
        retried = failure.failureClass
        if isBilled { addRound(item, failure) }
        again(item, item.request, corrections: item.corrections)
    }

    private mutating func addRound(_ item: BatchItem, _ failure: ItemFailure) {
        rounds.count += 1
        rounds.nanodollars = rounds.nanodollars.addingSaturated(spent ?? 0)
        results.append(
            .round(
                ItemRound(
                    number: rounds.count, request: item.request, corrections: item.corrections, failure: failure)))
    }

    private mutating func again(_ item: BatchItem, _ request: ModelRequest, corrections: Int) {
        var next = item
        let grown = max(0, request.body.count - item.request.body.count)
        next.tokens = next.tokens.addingSaturated(TokenEstimate.tokens(bytes: grown))
        // 0: nothing was reserved, since there is no price.
        if let price, next.costMax > 0 {
            next.costMax = next.costMax.addingSaturated(
                price.nanodollarsMax(bodyBytes: grown, completionTokensMax: 0))
        }
        next.attemptsBefore = attemptsBefore
        next.request = request
        next.corrections = corrections
        next.attempts = attempts
        (next.roundsCount, next.roundsNanodollars) = (rounds.count, rounds.nanodollars)
        self.next = next
    }
}
