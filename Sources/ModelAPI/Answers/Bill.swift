internal import JSONText

/// What a reply was billed for, whether its answer is kept or not.
public struct Bill: Sendable, Hashable {
    public var usage: TokenUsage
    /// The cost stated by the provider, in nanodollars; it takes precedence over token prices.
    public var costStatedNanodollars: Int?
    /// Its part of a larger bill; nil: a complete one.
    public internal(set) var share: BillShare?

    public init(usage: TokenUsage = TokenUsage(), costStatedNanodollars: Int? = nil) {
        self.usage = usage
        self.costStatedNanodollars = costStatedNanodollars
    }

    public init(_ answer: ModelAnswer) {
        self =
            answer.share?.bill
            ?? Bill(usage: answer.usage, costStatedNanodollars: answer.costStatedNanodollars)
    }

    /// Whether the reply states its cost. A truncated one does not: it may have cost anything up to the worst case.
    public var isKnown: Bool { (share?.usage ?? usage).total > 0 || costStatedNanodollars != nil }

    /// The cost in nanodollars; nil if unknown.
    public func nanodollars(at price: TokenPrice?) -> Int? {
        if let costStatedNanodollars { return max(0, costStatedNanodollars) }
        guard let price else { return nil }
        if let share {
            return Bill(usage: share.usage).nanodollars(at: price).map { share.part(of: $0) }
        }
        // A free answer needs no token count.
        return usage.total > 0 || price == .free ? price.nanodollars(of: usage) : nil
    }
}

extension Bill {
    /// The bill in a body that is not kept as an answer: one JSON value, a list, events, or one value per line. Of
    /// several counts the largest is taken, since streams repeat them as they grow.
    init(reading body: [UInt8], with parser: JSONParser) {
        self.init()
        if let root = try? parser.parse(body).root {
            add(root)
            return
        }
        for line in body.split(separator: 0x0A) {
            let data = line.starts(with: "data:".utf8) ? line.dropFirst(5) : line
            if let root = try? parser.parse(data).root { add(root) }
        }
    }

    private mutating func add(_ root: JSONValue) {
        for element in root.elements { add(element) }
        let places = [root, root["response"], root["message"]]
        for place in places {
            guard let place else { continue }
            if place["service_tier"]?.isText("flex") ?? false { usage.isFlex = true }
            take(place["usage"] ?? place["usageMetadata"] ?? place)
        }
    }

    private mutating func take(_ value: JSONValue) {
        guard value.kind == .object else { return }
        let found = TokenUsage(reading: value)
        usage.prompt = max(usage.prompt, found.prompt)
        usage.completion = max(usage.completion, found.completion)
        usage.reasoning = max(usage.reasoning, found.reasoning)
        usage.cached = max(usage.cached, found.cached)
        if let cost = value["cost"]?.double.flatMap(TokenPrice.nanodollars(stated:)) {
            costStatedNanodollars = max(costStatedNanodollars ?? 0, cost)
        }
    }
}
