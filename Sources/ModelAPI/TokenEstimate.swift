/// Tokens a request may use, guessed before it is sent: rate limiters reserve this much and settle from the answer's
/// `usage` afterwards.
public enum TokenEstimate {
    /// Bytes of request body taken as one token: English text has about four characters a token.
    public static let bytesPerToken = 4
    /// Tokens of answer assumed when the request sets no limit.
    public static let completionTokensDefault = 512

    /// Body bytes / 4, rounded up, plus the most the answer may have.
    public static func tokens(of request: ModelRequest, completionTokensMax: Int?) -> Int {
        (request.body.count + bytesPerToken - 1) / bytesPerToken + (completionTokensMax ?? completionTokensDefault)
    }
}
