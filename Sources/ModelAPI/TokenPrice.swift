/// What a model's tokens cost, in US dollars per million. Sums are counted in whole billionths of a dollar
/// (nanodollars), so that they add up exactly however many there are.
public struct TokenPrice: Sendable, Hashable {
    public var input: Double
    /// Of prompt tokens served from a cache.
    public var cachedInput: Double
    public var output: Double

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

    /// What one request has cost, rounded up, at most `requestNanodollarsMax`.
    public func nanodollars(of usage: TokenUsage) -> Int {
        let cached = min(max(0, usage.cached), max(0, usage.prompt))
        let fresh = max(0, usage.prompt) - cached
        return nanodollars(input: fresh, cached: cached, output: max(0, usage.completion))
    }

    /// The most that a request can cost: a token is at least one byte of the body, and nothing is sure to be cached.
    public func nanodollarsMax(bodyBytes: Int, completionTokensMax: Int) -> Int {
        let dearest = max(input, cachedInput)
        return TokenPrice(input: dearest, cachedInput: dearest, output: output)
            .nanodollars(input: bodyBytes, cached: 0, output: completionTokensMax)
    }

    private func nanodollars(input fresh: Int, cached: Int, output written: Int) -> Int {
        let dollars = Double(fresh) * input + Double(cached) * cachedInput + Double(written) * output
        return Int(min((dollars * Self.nanodollarsPerToken).rounded(.up), Double(Self.requestNanodollarsMax)))
    }
}
