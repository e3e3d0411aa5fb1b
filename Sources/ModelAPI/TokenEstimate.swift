internal import Basics

/// Tokens a request may use, guessed before it is sent: rate limiters reserve this much and settle from the answer's
/// `usage` afterwards.
public enum TokenEstimate {
    /// Bytes of request body taken as one token: English text has about four characters a token.
    public static let bytesPerToken = 4
    /// Tokens of answer assumed when the request sets no limit.
    public static let completionTokensDefault = 512

    /// More than any answer has. A larger limit comes from a row or a client, and sums of it must not overflow.
    public static let completionTokensMost = 1 << 40

    /// Body bytes / 4, rounded up, plus the most the answer may have.
    public static func tokens(of request: ModelRequest, completionTokensMax: Int?) -> Int {
        let answer = min(max(0, completionTokensMax ?? completionTokensDefault), completionTokensMost)
        return tokens(bytes: request.body.count).addingSaturated(answer)
    }

    /// The same for a part of a body.
    public static func tokens(bytes: Int) -> Int { (bytes + bytesPerToken - 1) / bytesPerToken }
}
