public import Basics

/// How the simulator treats requests with `service_tier: flex`, as OpenAI's API does
/// (https://platform.openai.com/docs/guides/flex-processing).
public enum FlexTier: Sendable, Hashable {
    /// Requests are answered at the flex price.
    case served
    /// The first N requests are rejected for lack of capacity (429, `resource_unavailable`) and not billed.
    case busy(Int)
    /// The model does not have the tier (400).
    case unknown

    /// Reads `yes`, `no`, `busy=20` or `busy`. Throws a configuration error for anything else.
    public init(parsing text: String) throws(RetortError) {
        let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        switch (text, sides.first, sides.count) {
        case ("yes", _, _): self = .served
        case ("no", _, _): self = .unknown
        case ("busy", _, _): self = .busy(.max)
        case (_, "busy"?, 2):
            guard let count = Int(sides[1]), count >= 0 else { fallthrough }
            self = .busy(count)
        default:
            throw RetortError(
                .configuration, "\"\(text)\" is not a setting of the flexible tier", at: "--server-flex",
                remedy: "Write yes, no, busy, or busy=20 for the first 20 requests.")
        }
    }

    /// The error for the next request of the tier; nil: it is served.
    mutating func refusal() -> APIError? {
        switch self {
        case .served: return nil
        case .unknown:
            return .invalidRequest(
                "Invalid service_tier argument: flex is not available for this model.", param: "service_tier")
        case .busy(let left):
            guard left > 0 else { return nil }
            self = .busy(left - 1)
            return APIError(
                429, "resource_unavailable", code: "resource_unavailable",
                "The flexible tier has no room at the moment.")
        }
    }
}
