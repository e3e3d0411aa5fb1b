import Basics
import JSONText
import ModelAPI
import ResponseGenerator
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation

@Suite struct PriceTableTests {
    private func table(_ text: String) throws(RetortError) -> PriceTable {
        try PriceTable(parsing: text, name: "p.txt")
    }

    @Test func readsColumnsAndRemarks() throws {
        let table = try table("# head\n\nmine 0.5 0.05 1.5 # remark\n  other\t2 - 4\r\n")
        #expect(table["mine"] == TokenPrice(input: 0.5, cachedInput: 0.05, output: 1.5))
        #expect(table["other"] == TokenPrice(input: 2, cachedInput: 2, output: 4))
        #expect(table["mine-2"] == nil)
    }

    @Test(arguments: ["m 1 2", "m 1 2 3 4", "m x 1 2", "m 1 1 -2", "m 1 1 inf", "m 1 1 1e9", "m 1 1 nan"])
    func namesTheLineOfANonsense(_ line: String) {
        let error = #expect(throws: RetortError.self) { try table("ok 1 1 1\n" + line) }
        #expect(error?.code == .configuration)
        #expect(error?.place == "p.txt:2")
    }

    @Test func aModelHasOnePrice() {
        #expect(throws: RetortError.self) { try table("m 1 1 1\nm 2 2 2") }
    }

    @Test func theBuiltInTableIsSound() {
        #expect(PriceTable.builtIn["gpt-4o-mini"] == TokenPrice(input: 0.15, cachedInput: 0.075, output: 0.60))
        #expect(PriceTable.builtIn["made-up-model"] == nil)
    }
}

@Suite struct MoneyTests {
    @Test(arguments: [
        (0, "0.0"), (1, "0.000000001"), (12_250, "0.00001225"), (1_000_000_000, "1.0"), (1_500_000_000, "1.5"),
        (1_234_567_890_123, "1234.567890123"),
    ])
    func isAnExactNumber(_ nanodollars: Int, _ text: String) throws {
        #expect(Money.json(nanodollars) == text)
        let value = try #require(try LivingFixture.parse(text).double)
        #expect(Money.nanodollars(value) == nanodollars)
    }
}

@Suite struct MoneyBoundsTests {
    @Test(arguments: [-1, -Double.infinity, Double.nan]) func whatIsNoMoneyIsNone(_ dollars: Double) {
        #expect(Money.nanodollars(dollars) == 0)
    }

    @Test(arguments: [1e300, Double.infinity]) func tooMuchIsCut(_ dollars: Double) {
        #expect(Money.nanodollars(dollars) == 1_000_000_000_000_000_000)
    }
}

@Suite struct PricingTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    private func pricing(_ flags: String...) throws -> Pricing {
        try settings(["in.jsonl", "--out", "o"] + flags, environment: ["OPENAI_API_KEY": "k"]).pricing
    }

    /// As at OpenAI and at the built-in server, whose flex tier costs half.
    private static func flexible(_ price: TokenPrice?) -> TokenPrice? {
        var price = price
        price?.flexShare = 0.5
        return price
    }

    @Test func anAnswerOfTheFlexibleTierCostsItsShare() throws {
        let pricing = try pricing("--model", "gpt-4o", "--price", "2 - 4", "--flex-discount", "0.25")
        let price = try #require(pricing.price)
        var usage = TokenUsage(prompt: 100, completion: 10)
        #expect(price.nanodollars(of: usage) == 240_000)
        usage.isFlex = true
        #expect(price.nanodollars(of: usage) == 180_000)
        let body = Array(
            #"{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"service_tier":"flex","usage":{"prompt_tokens":5}}"#
                .utf8)
        guard
            case .answer(let answer) = Classifier().classify(
                .success(ModelReply(status: 200, body: body)), with: JSONParser())
        else { return #expect(Bool(false)) }
        #expect(answer.usage.isFlex && Bill(answer).usage.isFlex)
    }

    @Test func knownModelsHaveAPrice() throws {
        #expect(try pricing("--model", "gpt-4o").price == Self.flexible(PriceTable.builtIn["gpt-4o"]))
        #expect(try pricing("--model", "made-up").price == nil)
    }

    @Test func theSimulatorIsFreeUnlessAFileSaysOtherwise() throws {
        #expect(try pricing("--model", "gpt-4o", "--simulate").price == .free)
        let file = try folder.write("p.txt", "m 1 1 2\n")
        let pricing = try pricing("--model", "m", "--simulate", "--prices", file)
        #expect(pricing.price == Self.flexible(TokenPrice(input: 1, cachedInput: 1, output: 2)))
    }

    @Test func aBatchRowNamesItsOwnModel() throws {
        let pricing = try pricing("--model", "gpt-4o")
        let mini = pricing.price(ofBody: Array(#"{"model":"gpt-4o-mini"}"#.utf8), with: JSONParser())
        #expect(mini == Self.flexible(PriceTable.builtIn["gpt-4o-mini"]))
        #expect(pricing.price(ofBody: Array(#"{"model":"?"}"#.utf8), with: JSONParser()) == nil)
    }

    @Test func aLimitNeedsAPriceAndABound() throws {
        #expect(throws: RetortError.self) { try pricing("--model", "gpt-4o", "--max-cost", "5") }
        #expect(throws: RetortError.self) { try pricing("--model", "made-up", "--max-tokens", "9", "--max-cost", "5") }
        #expect(try pricing("--model", "gpt-4o", "--max-tokens", "9", "--max-cost", "5").limit == 5_000_000_000)
        // Anthropic's endpoint always has a bound.
        let claude = try settings(
            "in.jsonl", "--out", "o", "--endpoint", "messages", "--model", "claude-opus-4-1", "--max-cost", "1",
            environment: ["ANTHROPIC_API_KEY": "k"])
        #expect(claude.pricing.limit == 1_000_000_000)
    }

    @Test func theWorstCaseCountsEveryAnswerOfARequest() throws {
        let pricing = try pricing("--model", "gpt-4o", "--max-tokens", "9", "--max-cost", "5")
        func cost(_ body: String) throws -> Int {
            try pricing.costMax(
                of: ModelRequest(path: "/", body: Array(body.utf8)),
                price: TokenPrice(input: 0, cachedInput: 0, output: 1),
                with: JSONParser()
            ) { "here" }
        }
        #expect(try cost(#"{"max_tokens":10}"#) == 10_000)
        #expect(try cost(#"{"max_tokens":10,"n":3}"#) == 30_000)
        #expect(try cost(#"{"max_tokens":10,"max_completion_tokens":5}"#) == 10_000)
        #expect(try cost(#"{"max_tokens":10,"n":"50"}"#) == 500_000)
        #expect(try cost(#"{"max_tokens":10,"best_of":15}"#) == 150_000)
        #expect(throws: RetortError.self) { try cost(#"{"max_tokens":-1}"#) }
        #expect(throws: RetortError.self) { try cost(#"{"max_tokens":10,"previous_response_id":"r"}"#) }
        #expect(throws: RetortError.self) { try cost("{}") }
    }
}

@Suite struct SpendingTests {
    /// A run's mark contains the uncertain cost of its own requests; with the probes in it, it would grow with each
    /// run.
    @Test func probesAreBesideTheMark() throws {
        let notes = ["probe_spending": #"{"spent":5,"uncertain_max":30}"#]
        let spending = Spending(StoreCounters(), mark: 70, notes: notes)
        #expect(spending.recorded == 5 && spending.uncertainMax == 100 && spending.settled == 35)
        let pricing = try settings(
            "in.jsonl", "--out", "o", "--simulate", "--max-tokens", "9", "--max-cost", "1", "--price", "1 1 1"
        )
        .pricing
        let budget = try #require(pricing.budgeted(GeneratorConfiguration(), spending).budget)
        #expect(budget.unrecordedMax == 70)
        #expect(budget.allows(1_000_000_000 - 105) && !budget.allows(1_000_000_000 - 104))
    }
}
