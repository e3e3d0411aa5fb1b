/// Tokens a request may use, guessed before it is sent: rate limiters reserve this much and settle from the answer's
/// `usage` afterwards.
public enum TokenEstimate {
    /// Bytes of request body taken as one token: English text has about four characters a token.
    public static let bytesPerToken = 4
    /// Tokens of answer assumed when the request sets no limit.
    public static let completionTokensDefault = 512

    /// Body bytes / 4, rounded up, plus the most the answer may have.
    public static func tokens(of request: ModelRequest, completionTokensMax: Int?) -> Int {
        tokens(bytes: request.body.count) + (completionTokensMax ?? completionTokensDefault)
    }

    /// The same for a part of a body.
    public static func tokens(bytes: Int) -> Int { (bytes + bytesPerToken - 1) / bytesPerToken }
}
