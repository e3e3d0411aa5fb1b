package import Basics
package import CommandLine
package import JSONText
package import ModelAPI
import PromptSource
package import ResponseGenerator
import SegmentStore

/// Token prices of a run, and its spending limit.
package struct Pricing: Sendable {
    private let table: PriceTable
    private let isFree: Bool
    /// The job's model, and its price if known.
    private let model: String
    package let price: TokenPrice?
    /// The limit of `--max-cost` in nanodollars, for the whole store.
    package private(set) var limit: Int?

    package static let group = "Cost"

    package static let options: [OptionSpec] = [
        OptionSpec(
            "max-cost", kind: .number(0...1_000_000_000), valueName: "USD",
            summary: "stop before all requests for the store could cost more than this", group: group
        ).main,
        OptionSpec(
            "prices", kind: .path, valueName: "FILE",
            summary: "lines of MODEL INPUT CACHED OUTPUT, dollars per million",
            details: """
                Dollars per million tokens; - for no cached price, # for remarks. Without a file the public list \
                prices of some models are known, as of \(PriceTable.builtInDate); of others only tokens are shown.
                """,
            group: group),
        OptionSpec(
            "price", kind: .string, valueName: "'IN CACHED OUT'",
            summary: "the model's price, dollars per million tokens: '0.27 0.07 1.10'", group: group),
    ]

    package init(_ command: ParsedCommand, parameters: RequestParameters, isSimulated: Bool) throws(RetortError) {
        let path = command.stringIfSet("prices")
        // The built-in server costs nothing, unless a file or a cap gives pretended prices.
        let own = command.stringIfSet("price")
        isFree = isSimulated && path == nil && own == nil && !command.isGiven("max-cost")
        var table = try PriceTable.load(path)
        if let own {
            try table.set(own, of: parameters.model, at: command.origin(of: "price") ?? "--price")
        }
        self.table = table
        model = parameters.model
        price = isFree ? .free : table[parameters.model]
        limit = command.numberIfSet("max-cost").map(Money.nanodollars)
    }

    /// The prices of a store's model, without a limit. `path` names a price file; nil: the built-in list.
    package init(prices path: String?, model: String, isSimulated: Bool) throws(RetortError) {
        isFree = isSimulated && path == nil
        table = try PriceTable.load(path)
        self.model = model
        price = isFree ? .free : table[model]
        limit = nil
    }

    /// The pricing with all prices multiplied by `factor`.
    package func scaled(by factor: Double) -> Pricing {
        guard !isFree, factor != 1 else { return self }
        var scaled = Pricing(table.scaled(by: factor), model: model)
        scaled.limit = limit
        return scaled
    }

    /// The pricing with the share of the price that an answer of the flexible tier costs.
    package func withFlex(share: Double) -> Pricing {
        guard !isFree, share != 1 else { return self }
        var flexible = Pricing(table.withFlex(share: share), model: model)
        flexible.limit = limit
        return flexible
    }

    private init(_ table: PriceTable, model: String) {
        (self.table, self.model, isFree) = (table, model, false)
        price = table[model]
        limit = nil
    }

    private init() {
        (table, isFree, model, price, limit) = (.builtIn, false, "", nil, nil)
    }

    /// No model, no limit.
    package static let unknown = Pricing()

    /// The price list's name in records.
    package var version: String { isFree ? "" : table.version }

    /// Adds a limit that is shared with other processes.
    package mutating func share(_ whole: Int) { limit = min(limit ?? whole, whole) }

    /// Refuses a limit that could not be kept: because of an unknown price, or answers of unbounded length.
    package func checkBudget(_ builder: RequestBuilder) throws(RetortError) {
        // Without a model each row names its own, and is checked when it is read.
        guard limit != nil, !model.isEmpty else { return }
        let sample = try builder.request(.prompt(ModelAnswer.emptyString))
        _ = try costMax(of: sample, price: price, with: JSONParser()) { "--max-cost" }
    }

    /// The token prices of a row, which may name its own model.
    package func price(ofModel name: String?) -> TokenPrice? {
        if isFree { return .free }
        return name.map { table[$0] } ?? price
    }

    /// The price of the model that a request body names.
    package func price(ofBody body: [UInt8], with parser: JSONParser) -> TokenPrice? {
        if isFree { return .free }
        guard let name = try? parser.parse(body).root["model"]?.string else { return price }
        return table[name]
    }

    /// The worst-case cost of a request in nanodollars; 0 if there is no limit. Throws `.configuration` if it is
    /// unbounded.
    package func costMax(
        of request: ModelRequest, price: TokenPrice?, with parser: JSONParser, place: () -> String
    ) throws(RetortError) -> Int {
        guard limit != nil else { return 0 }
        let root = try? parser.parse(request.body).root
        guard let price else {
            throw RetortError(
                .configuration, "--max-cost needs a price for \(root?["model"]?.string ?? model)", at: place(),
                remedy:
                    "Add a line `\(root?["model"]?.string ?? model) INPUT CACHED OUTPUT` to a file and pass it with --prices."
            )
        }
        switch Self.costMax(of: request, RequestBounds(of: request, body: root), price) {
        case .success(let cost): return cost
        case .failure(.noTokenLimit):
            throw RetortError(
                .configuration, "--max-cost needs a limit on answer length", at: place(),
                remedy: "Add --max-tokens or --max-completion-tokens.")
        case .failure(.input(let what)):
            throw RetortError(
                .configuration, "--max-cost cannot be kept where the request has \(what)", at: place(),
                cause: "what the server reads then, and bills, is not in the request",
                remedy: "Put what is to be read into the request itself, or leave --max-cost out.")
        }
    }

    /// Why a request's cost has no known bound.
    package enum Unbounded: Error, Sendable, Hashable {
        case noTokenLimit
        /// Content that makes the server read more than the request contains.
        case input(String)
    }

    /// The worst-case cost of a request in nanodollars.
    ///
    /// - Parameter turnBytes: bytes that earlier turns add to its body.
    package static func costMax(
        of request: ModelRequest, _ bounds: RequestBounds, _ price: TokenPrice, turnBytes: Int = 0
    ) -> Result<Int, Unbounded> {
        if let what = bounds.unboundedInput { return .failure(.input(what)) }
        guard let tokens = bounds.completionTokensMax else { return .failure(.noTokenLimit) }
        let bytes = request.body.count.addingSaturated(bounds.addedBytes).addingSaturated(turnBytes)
        return .success(price.nanodollarsMax(bodyBytes: bytes, completionTokensMax: tokens))
    }

    /// Generous bound on the bytes sent back in addition to an answer that is to be corrected.
    package static let turnBytesMax = 1 << 10

    /// The worst-case cost of an item in nanodollars, and the maximum tokens of its answers; nil if either is
    /// unbounded.
    ///
    /// - Parameter replies: maximum answers of the item: each one sent back makes the next request longer.
    package func bound(of request: ModelRequest, replies: Int = 1, with parser: JSONParser) -> (
        nanodollars: Int?, tokens: Int
    )? {
        let root = try? parser.parse(request.body).root
        let bounds = RequestBounds(of: request, body: root)
        guard let most = bounds.completionTokensMax else { return nil }
        let price = isFree ? nil : root?["model"]?.string.map { table[$0] } ?? self.price
        // A byte counts as a token, so an answer that is sent back counts its tokens. On average half of the turns are
        // there.
        let turns = most.addingSaturated(replies > 1 ? Self.turnBytesMax : 0).multipliedSaturated(by: replies - 1)
        let half = replies > 1 ? (turns / 2).addingSaturated(1) : 0
        let one = price.flatMap { try? Self.costMax(of: request, bounds, $0, turnBytes: half).get() }
        return (one?.multipliedSaturated(by: replies), most.multipliedSaturated(by: replies))
    }

    /// The generator's configuration with the rest of the budget.
    package func budgeted(_ configuration: GeneratorConfiguration, _ spending: Spending) -> GeneratorConfiguration {
        var configuration = configuration
        configuration.budget = limit.map {
            Budget(
                limit: $0, spent: spending.settled,
                uncertain: spending.uncertainMax - spending.probesUncertainMax)
        }
        return configuration
    }
}
