internal import Basics

/// Estimates the tokens of a request before it is sent: rate limiters reserve this much and correct it by the answer's
/// `usage`.
public enum TokenEstimate {
    /// Bytes of request body per token: English text has about four characters per token.
    public static let bytesPerToken = 4
    /// Assumed tokens of an answer if the request sets no limit.
    public static let completionTokensDefault = 512

    /// More than any answer has. A larger limit comes from a row or a client, and sums of it must not overflow.
    public static let completionTokensMost = 1 << 40

    /// Body bytes / 4, rounded up, plus the maximum length of the answer.
    public static func tokens(of request: ModelRequest, completionTokensMax: Int?) -> Int {
        let answer = min(max(0, completionTokensMax ?? completionTokensDefault), completionTokensMost)
        return tokens(bytes: request.body.count).addingSaturated(answer)
    }

    /// The estimate for a part of a body.
    public static func tokens(bytes: Int) -> Int { (bytes + bytesPerToken - 1) / bytesPerToken }
}
