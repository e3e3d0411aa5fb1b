import Dataset

/// Upper bounds of the requests' sums, whatever the answers. A sum is nil once a request is unbounded.
package struct PlanBounds: Sendable, Hashable {
    package private(set) var completionTokens: Int? = 0
    private var nanodollars: Int? = 0

    package var dollars: Double? { nanodollars.map(Money.dollars) }

    package mutating func add(_ bound: (nanodollars: Int?, tokens: Int)?) {
        completionTokens = Self.sum(completionTokens, bound?.tokens)
        nanodollars = Self.sum(nanodollars, bound?.nanodollars)
    }

    /// The bounds for `factor` times as many requests.
    package func scaled(by factor: Double) -> PlanBounds {
        var bounds = self
        func scaled(_ sum: Int?) -> Int? { sum.flatMap { Double($0) * factor < 9e18 ? Int(Double($0) * factor) : nil } }
        (bounds.completionTokens, bounds.nanodollars) = (scaled(completionTokens), scaled(nanodollars))
        return bounds
    }

    private static func sum(_ a: Int?, _ b: Int?) -> Int? {
        guard let a, let b else { return nil }
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? nil : sum
    }
}
