public import Basics
public import JSONText

/// The result of one exchange.
public enum Verdict: Sendable {
    case answer(ModelAnswer)
    /// Worth a retry; `after` is the delay requested by the server.
    case retry(FailureClass, message: String, after: Interval?)
    /// This request can never succeed.
    case fail(FailureClass, message: String)
    /// An answer that is not good enough; the same item continues with this request.
    indirect case ask(ModelRequest, FailureClass, message: String)
    /// Refused, without saying whether this request or something that all requests share is at fault.
    indirect case refuse(Refusal)
    /// No request of this run can succeed.
    indirect case stop(RetortError)
    /// Cancelled by this process: as if it had never been sent.
    case cancelled
}

/// The result of an exchange, with answer and bill.
public struct Judgement: Sendable {
    public var verdict: Verdict
    /// The answer of the verdict, if it is complete and will not be kept.
    public var rejected: ModelAnswer?
    /// The bill. Nil if nothing was billed: the API refused, or no server has received the request.
    public var bill: Bill?

    public init(verdict: Verdict, rejected: ModelAnswer? = nil, bill: Bill? = nil) {
        self.verdict = verdict
        self.rejected = rejected
        self.bill = bill
    }
}

/// Classifies exchanges as answers, retries, failures and reasons to stop. A value without state: usable from any
/// thread, each with its own parser.
public struct Classifier: Sendable {
    /// Finish reasons that make an answer a failure, such as `length`, and the word `empty` for answers without usable
    /// content. `content_filter` always does.
    public var rejectedFinishReasons: Set<String>
    /// The word among them that is not a finish reason.
    public static let emptyAnswer = "empty"
    /// Whether `<think>...</think>` is moved from the response to the reasoning.
    public var splitsThinking: Bool
    /// Checks of a complete answer, in order.
    public var stages: [any AnswerStage] = []
    /// Maximum delay that a server may request; longer ones are shortened.
    public var retryAfterMax: Interval

    /// Ten minutes.
    public static let retryAfterMaxDefault = Interval.seconds(600)

    public init(
        rejectedFinishReasons: Set<String> = [], splitsThinking: Bool = false,
        retryAfterMax: Interval = retryAfterMaxDefault
    ) {
        self.rejectedFinishReasons = rejectedFinishReasons
        self.splitsThinking = splitsThinking
        self.retryAfterMax = retryAfterMax
    }

    /// Only the verdict.
    public func classify(_ result: Result<ModelReply, TransportFailure>, with parser: JSONParser) -> Verdict {
        judge(result, of: AskedRequest(ModelRequest(path: "", body: [])), with: parser).verdict
    }

    /// - Parameter asked: the exchange's request, for stages that ask for corrections.
    public func judge(
        _ result: Result<ModelReply, TransportFailure>, of asked: AskedRequest, with parser: JSONParser
    ) -> Judgement {
        switch result {
        case .success(let reply):
            var judgement =
                reply.status / 100 == 2
                ? success(reply, of: asked, with: parser) : Judgement(verdict: refusal(reply, with: parser))
            judgement.verdict = heeding(reply, judgement.verdict)
            return judgement
        case .failure(let failure): return Judgement(verdict: classify(failure), bill: Self.bill(of: failure))
        }
    }

    /// A request that may have reached a server may have been billed.
    private static func bill(of failure: TransportFailure) -> Bill? {
        failure.stage == .unconnected || failure.kind == .unresolved || failure.kind == .tls ? nil : Bill()
    }

    private func classify(_ failure: TransportFailure) -> Verdict {
        switch failure.kind {
        case .connection, .unresolved, .malformed: .retry(.connection, message: failure.message, after: nil)
        case .timeout: .retry(.timeout, message: failure.message, after: nil)
        case .tooLarge: .fail(.server, message: failure.message)
        case .cancelled: .cancelled
        case .tls: .refuse(Refusal(.certificate, .connection, failure.message))
        }
    }

    /// Applies the server's instructions about retries, as far as permitted.
    private func heeding(_ reply: ModelReply, _ verdict: Verdict) -> Verdict {
        switch verdict {
        case .retry(let failureClass, let message, let wait):
            return .retry(failureClass, message: message, after: granted(wait))
        case .refuse(let refusal) where reply.status >= 400 && RetryHint.isRetryWanted(by: reply):
            return .retry(.server, message: refusal.message, after: granted(RetryHint.interval(of: reply)))
        default: return verdict
        }
    }

    private func granted(_ wait: Interval?) -> Interval? { wait.map { min($0, retryAfterMax) } }

    private func success(_ reply: ModelReply, of asked: AskedRequest, with parser: JSONParser) -> Judgement {
        let verdict: Verdict
        switch AnswerParser.parse(reply.body, with: parser) {
        case .sick(let why): verdict = .retry(.server, message: why, after: RetryHint.interval(of: reply))
        case .unknown(let why): verdict = .refuse(Refusal(.shape, .invalidOutput, why))
        case .filtered(let why): verdict = .fail(.contentFilter, message: why)
        case .error(let error): return judgement(of: error, reply, with: parser)
        case .answer(let parsed):
            let answer = splitsThinking ? ThinkTags.split(parsed) : parsed
            let verdict = judge(answer, of: asked, with: parser)
            if case .answer(let kept) = verdict { return Judgement(verdict: verdict, bill: Bill(kept)) }
            return Judgement(verdict: verdict, rejected: answer, bill: Bill(answer))
        }
        return Judgement(verdict: verdict, bill: Bill(reading: reply.body, with: parser))
    }

    private func judge(_ answer: ModelAnswer, of asked: AskedRequest, with parser: JSONParser) -> Verdict {
        if rejectedFinishReasons.contains(answer.finishReason) {
            return .fail(.invalidOutput, message: "the answer ended with finish_reason \(answer.finishReason)")
        }
        if rejectedFinishReasons.contains(Self.emptyAnswer), answer.isEmpty {
            return .fail(.invalidOutput, message: "the answer is empty")
        }
        var answer = answer
        for stage in stages {
            switch stage.judge(answer, of: asked, with: parser) {
            case .accept(let judged): answer = judged
            case .reject(let failureClass, let message): return .fail(failureClass, message: message)
            case .ask(let request, let failureClass, let message): return .ask(request, failureClass, message: message)
            }
        }
        return .answer(answer)
    }

    /// An API that answers with an error has produced nothing that it could bill, unless it says so.
    private func judgement(of error: ErrorBody, _ reply: ModelReply, with parser: JSONParser) -> Judgement {
        let bill = Bill(reading: reply.body, with: parser)
        return Judgement(verdict: errorUnderSuccess(error, reply), bill: bill.isKnown ? bill : nil)
    }

    /// Gateways may answer 200 with the error of the server behind them in the body.
    private func errorUnderSuccess(_ error: ErrorBody, _ reply: ModelReply) -> Verdict {
        if let status = error.statusMeant { return judge(status, error, reply) }
        if error.isContentFilter { return .fail(.contentFilter, message: error.shown) }
        if let stop = accountRefusal(error, reply) { return .stop(stop) }
        if error.isModelMissing(under: reply.status) {
            return .refuse(Refusal(.model, .badRequest, Excerpt.oneLine(error.message)))
        }
        let isRateLimit = error.names(["rate_limit_exceeded", "rate_limit_error", "requests", "tokens"])
        return .retry(
            isRateLimit ? .rateLimited : .server, message: "an error under status \(reply.status): \(error.shown)",
            after: RetryHint.interval(of: reply))
    }
}
