/// The price of a model's tokens, in US dollars per million. Sums are whole billionths of a dollar (nanodollars), so
/// that any number of them adds up exactly.
public struct TokenPrice: Sendable, Hashable {
    public var input: Double
    /// For prompt tokens served from a cache.
    public var cachedInput: Double
    public var output: Double
    /// The factor on the price in the flexible tier.
    public var flexShare = 1.0

    public init(input: Double, cachedInput: Double, output: Double) {
        self.input = input
        self.cachedInput = cachedInput
        self.output = output
    }

    public static let free = TokenPrice(input: 0, cachedInput: 0, output: 0)

    /// A dollar per million tokens is a thousand nanodollars per token.
    private static let nanodollarsPerToken = 1000.0

    /// A million dollars: a higher cost comes from a server with nonsensical counts.
    public static let requestNanodollarsMax = 1_000_000_000_000_000

    /// The cost stated by a provider in dollars, rounded up and at most `requestNanodollarsMax`; nil if it is not a
    /// valid cost.
    static func nanodollars(stated dollars: Double) -> Int? {
        guard dollars.isFinite, dollars >= 0 else { return nil }
        return whole(dollars * 1e9)
    }

    /// The cost of one request, rounded up, at most `requestNanodollarsMax`.
    public func nanodollars(of usage: TokenUsage) -> Int {
        let cached = min(max(0, usage.cached), max(0, usage.prompt))
        let fresh = max(0, usage.prompt) - cached
        let whole = nanodollars(input: fresh, cached: cached, output: max(0, usage.completion))
        return usage.isFlex && flexShare != 1 ? Self.whole(Double(whole) * flexShare) : whole
    }

    /// The maximum cost of a request: a token is at least one byte of the body, and nothing is certain to be cached.
    public func nanodollarsMax(bodyBytes: Int, completionTokensMax: Int) -> Int {
        let dearest = max(input, cachedInput)
        return TokenPrice(input: dearest, cachedInput: dearest, output: output)
            .nanodollars(input: bodyBytes, cached: 0, output: completionTokensMax)
    }

    /// What the cached tokens of a prompt would have cost in addition without the cache, at most
    /// `requestNanodollarsMax`.
    public func nanodollarsSaved(by usage: TokenUsage) -> Int {
        let cached = min(max(0, usage.cached), max(0, usage.prompt))
        return max(
            0, nanodollars(input: cached, cached: 0, output: 0) - nanodollars(input: 0, cached: cached, output: 0))
    }

    private func nanodollars(input fresh: Int, cached: Int, output written: Int) -> Int {
        let dollars = Double(fresh) * input + Double(cached) * cachedInput + Double(written) * output
        return Self.whole(dollars * Self.nanodollarsPerToken)
    }

    /// Rounded up, and between 0 and `requestNanodollarsMax` for any number, including NaN.
    private static func whole(_ nanodollars: Double) -> Int {
        // A cost such as 0.003 dollars is 3000000.0000000004 after the multiplication, which must not be rounded up.
        guard nanodollars > 0 else { return 0 }
        guard nanodollars < Double(requestNanodollarsMax) else { return requestNanodollarsMax }
        return Int((nanodollars - roundingError * nanodollars).rounded(.up))
    }

    /// The relative error of a product of doubles.
    private static let roundingError = 1e-15
}
