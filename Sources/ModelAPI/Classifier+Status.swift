internal import Basics
internal import JSONText

/// What a status other than success means.
extension Classifier {
    func refusal(_ reply: ModelReply, with parser: JSONParser) -> Verdict {
        judge(reply.status, ErrorBody(reply.body, with: parser), reply)
    }

    func judge(_ status: Int, _ error: ErrorBody?, _ reply: ModelReply) -> Verdict {
        let message = "HTTP \(status): \(describe(error, reply))"
        if let error {
            if error.isQuotaSpent { return .stop(quotaSpent(error)) }
            if error.isContentFilter, status < 500 { return .fail(.contentFilter, message: message) }
            if [400, 404, 422].contains(status), error.isModelMissing(under: status) {
                return .stop(modelMissing(error))
            }
        }
        switch status {
        case 401, 403: return .stop(keyRefused(message))
        case 402:
            return .stop(quotaSpent(ErrorBody(message: message, type: "", code: "")))
        case 404 where error == nil || error!.isUnknownPath, 300..<400: return .stop(wrongAddress(message))
        case 408: return .retry(.timeout, message: message, after: RetryHint.interval(of: reply))
        case 429: return .retry(.rateLimited, message: message, after: RetryHint.interval(of: reply))
        case 409, 425, 500...: return .retry(.server, message: message, after: RetryHint.interval(of: reply))
        default: return .fail(.badRequest, message: message)
        }
    }

    private func describe(_ error: ErrorBody?, _ reply: ModelReply) -> String {
        if let error { return Excerpt.oneLine(error.message) }
        guard let first = reply.body.first(where: { !AnswerParser.isSpace($0) }) else { return "the body is empty" }
        return first == UInt8(ascii: "<") ? Excerpt.html(reply.body) : Excerpt.text(reply.body)
    }

    private func keyRefused(_ cause: String) -> RetortError {
        RetortError(
            .refused, "the API refused the key", cause: cause,
            remedy: "Check the key in the environment and what it is allowed to do; then run the same command again.")
    }

    func quotaSpent(_ error: ErrorBody) -> RetortError {
        RetortError(
            .refused, "the account's quota is spent", cause: Excerpt.oneLine(error.message),
            remedy: "Add credit or raise the account's limit; then run the same command again.")
    }

    func modelMissing(_ error: ErrorBody) -> RetortError {
        RetortError(
            .refused, "the API does not know the model", cause: Excerpt.oneLine(error.message),
            remedy: "Check the model's name and whether the key may use it.")
    }

    private func wrongAddress(_ cause: String) -> RetortError {
        RetortError(
            .configuration, "the base URL does not lead to a model API", cause: cause,
            remedy: "Check the base URL; most end in /v1.")
    }
}
