/// What a model's tokens cost, in US dollars per million. Sums are counted in whole billionths of a dollar
/// (nanodollars), so that they add up exactly however many there are.
public struct TokenPrice: Sendable, Hashable {
    public var input: Double
    /// Of prompt tokens served from a cache.
    public var cachedInput: Double
    public var output: Double
    /// What an answer of the flexible tier costs of the price.
    public var flexShare = 1.0

    public init(input: Double, cachedInput: Double, output: Double) {
        self.input = input
        self.cachedInput = cachedInput
        self.output = output
    }

    public static let free = TokenPrice(input: 0, cachedInput: 0, output: 0)

    /// A dollar per million tokens is a thousand nanodollars a token.
    private static let nanodollarsPerToken = 1000.0

    /// A million dollars: a request that seems to cost more comes from a server that counts nonsense.
    public static let requestNanodollarsMax = 1_000_000_000_000_000

    /// Dollars that a provider states as an answer's cost, rounded up and at most `requestNanodollarsMax`; nil for what is
    /// no cost.
    static func nanodollars(stated dollars: Double) -> Int? {
        guard dollars.isFinite, dollars >= 0 else { return nil }
        return whole(dollars * 1e9)
    }

    /// What one request has cost, rounded up, at most `requestNanodollarsMax`.
    public func nanodollars(of usage: TokenUsage) -> Int {
        let cached = min(max(0, usage.cached), max(0, usage.prompt))
        let fresh = max(0, usage.prompt) - cached
        let whole = nanodollars(input: fresh, cached: cached, output: max(0, usage.completion))
        return usage.isFlex && flexShare != 1 ? Self.whole(Double(whole) * flexShare) : whole
    }

    /// The most that a request can cost: a token is at least one byte of the body, and nothing is sure to be cached.
    public func nanodollarsMax(bodyBytes: Int, completionTokensMax: Int) -> Int {
        let dearest = max(input, cachedInput)
        return TokenPrice(input: dearest, cachedInput: dearest, output: output)
            .nanodollars(input: bodyBytes, cached: 0, output: completionTokensMax)
    }

    /// What the cached tokens of a prompt would have cost more as others, at most `requestNanodollarsMax`.
    public func nanodollarsSaved(by usage: TokenUsage) -> Int {
        let cached = min(max(0, usage.cached), max(0, usage.prompt))
        return max(
            0, nanodollars(input: cached, cached: 0, output: 0) - nanodollars(input: 0, cached: cached, output: 0))
    }

    private func nanodollars(input fresh: Int, cached: Int, output written: Int) -> Int {
        let dollars = Double(fresh) * input + Double(cached) * cachedInput + Double(written) * output
        return Self.whole(dollars * Self.nanodollarsPerToken)
    }

    /// Rounded up, and between 0 and `requestNanodollarsMax` whatever the number, NaN included.
    private static func whole(_ nanodollars: Double) -> Int {
        // A cost such as 0.003 dollars is 3000000.0000000004 after the multiplication, which is no billionth more.
        guard nanodollars > 0 else { return 0 }
        guard nanodollars < Double(requestNanodollarsMax) else { return requestNanodollarsMax }
        return Int((nanodollars - roundingError * nanodollars).rounded(.up))
    }

    /// Of a product of doubles, relative.
    private static let roundingError = 1e-15
}
