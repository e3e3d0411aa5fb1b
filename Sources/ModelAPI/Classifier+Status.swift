internal import Basics
internal import JSONText

/// The meaning of statuses other than success.
extension Classifier {
    func refusal(_ reply: ModelReply, with parser: JSONParser) -> Verdict {
        judge(reply.status, ErrorBody(refusing: reply.body, with: parser), reply)
    }

    func judge(_ status: Int, _ error: ErrorBody?, _ reply: ModelReply) -> Verdict {
        let message = "HTTP \(status): \(describe(error, reply))"
        if let error {
            if error.isContentFilter, status < 500 { return .fail(.contentFilter, message: message) }
            let isBusy = status == 402 && RetryHint.interval(of: reply) != nil
            if !isBusy, let stop = accountRefusal(error, reply) { return .stop(stop) }
            if status < 500, status != 429, error.isModelMissing(under: status) {
                return .refuse(Refusal(.model, status == 401 || status == 403 ? .auth : .badRequest, message))
            }
            if error.isKeyInvalid { return .refuse(Refusal(.key, .auth, message)) }
            if status < 500, status != 429, error.isAboutLength {
                return .refuse(Refusal(.length, .badRequest, message))
            }
        }
        return judge(status, error, message, after: RetryHint.interval(of: reply))
    }

    private func judge(_ status: Int, _ error: ErrorBody?, _ message: String, after hint: Interval?) -> Verdict {
        switch status {
        case 300..<400: .refuse(Refusal(.address, .badRequest, message))
        case 401: .refuse(Refusal(.key, .auth, message))
        // A gateway whose budget is reserved for requests in flight says when to retry.
        case 402: hint == nil ? .stop(quotaSpent(message)) : .retry(.rateLimited, message: message, after: hint)
        case 403: .refuse(Refusal(.permission, .auth, message))
        case 404, 405:
            .refuse(Refusal(error.map { $0.isUnknownPath } ?? true ? .address : .request, .badRequest, message))
        case 408: .retry(.timeout, message: message, after: hint)
        case 413: .refuse(Refusal(.length, .badRequest, message))
        case 429: .retry(.rateLimited, message: message, after: hint)
        case 409, 425, 500...: .retry(.server, message: message, after: hint)
        default: .refuse(Refusal(.request, .badRequest, message))
        }
    }

    private func describe(_ error: ErrorBody?, _ reply: ModelReply) -> String {
        if reply.status / 100 == 3, let place = reply.header("location") {
            return "it redirects to \(Excerpt.oneLine(place))"
        }
        if let error { return Excerpt.oneLine(error.shown) }
        guard let first = reply.body.first(where: { !AnswerParser.isSpace($0) }) else { return "the body is empty" }
        return first == UInt8(ascii: "<") ? Excerpt.html(reply.body) : Excerpt.text(reply.body)
    }

    /// The error's own words blame the account or its key, whatever the status: no request can succeed.
    func accountRefusal(_ error: ErrorBody, _ reply: ModelReply) -> RetortError? {
        if error.isQuotaSpent { return quotaSpent(Excerpt.oneLine(error.message)) }
        if error.isDayOver(in: reply.body) {
            return RetortError(
                .incomplete, "the API's quota for the day is used up", cause: Excerpt.oneLine(error.message),
                remedy: "Run the same command again when the quota is renewed.")
        }
        if error.isAccountBarred {
            return RetortError(
                .refused, "the API refuses the account", cause: Excerpt.oneLine(error.message),
                remedy: "Settle it with the provider, then run the same command again.")
        }
        return nil
    }

    func quotaSpent(_ cause: String) -> RetortError {
        RetortError(
            .refused, "the account's quota is spent", cause: cause,
            remedy: "Add credit or raise the account's limit; then run the same command again.")
    }
}
