import Basics
import Glibc
import ModelAPI
import PromptSource
import ResponseGenerator
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation

@Suite struct RunPlanTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    private func plan(_ text: String, _ flags: String...) throws -> RunPlan {
        let path = try folder.write("in.jsonl", text)
        return try RunPlan(try settings([path, "--out", folder.path + "/out", "--simulate"] + flags))
    }

    /// Records an outcome for each row of an input, as a run does.
    private func answer(_ text: String, failing: Set<String> = []) throws {
        let path = try folder.write("in.jsonl", text)
        let settings = try settings(path, "--out", folder.path + "/out", "--simulate")
        let store = try RecordStore.create(
            settings.out, job: JobDescription(settings).values, failureClasses: RecordCodec.failureClasses,
            tallies: RecordTallies.names)
        let input = try InputSet.resolve([path], format: nil)
        let standing = try InputStanding.begin(input, store)
        let codec = RecordCodec(keepsBody: false)
        let planner = RowPlanner(
            settings, input: input, store: store, issued: IssuedKeys(), codec: codec, standing: standing)
        let rows = RowReader(input)
        while let row = try rows.next() {
            guard case .items(let items) = try planner.plan(row) else { continue }
            let records = items.map { item in
                let fails = failing.contains(item.context.key.description)
                let result: OutcomeResult =
                    fails ? .failure(ItemFailure(.server, "no")) : .answer(ModelAnswer(body: Array("{}".utf8)))
                return codec.record(
                    Outcome(
                        context: item.context, result: result, attempts: 1, latency: .milliseconds(5),
                        finishedAt: Instant(nanoseconds: 0)))
            }
            _ = try store.append(records)
        }
        try store.close()
    }

    private static let rows = (1...4).map { #"{"id":"q\#($0)","prompt":"\#($0)"}"# + "\n" }

    @Test func withoutAStoreEverythingIsNew() throws {
        let plan = try plan(Self.rows.joined() + "{bad\n", "--samples", "2")
        #expect(plan.rows == 5)
        #expect(plan.items == 10)
        #expect(plan.new == 8)
        #expect(plan.bad == 2)
        #expect(plan.badRows.count == 1)
        #expect(plan.completionTokens == nil)
        #expect(plan.promptTokens.interval == nil)
        // Nothing was written.
        #expect(LivingFixture.names(in: folder.path) == ["in.jsonl"])
    }

    @Test func correctionsAreAmongTheBounds() throws {
        let priced = ["--price", "1 - 2", "--max-tokens", "50", "--fields", "a:string"]
        func bounds(_ flags: String...) throws -> RunPlan {
            let path = try folder.write("in.jsonl", Self.rows.joined())
            let access = ["--base-url", "http://127.0.0.1:1/v1", "--model", "m"]
            return try RunPlan(try settings([path, "--out", folder.path + "/out"] + access + priced + flags))
        }
        let once = try bounds()
        let thrice = try bounds("--corrections", "2")
        #expect(once.bounds.completionTokens == 200 && thrice.bounds.completionTokens == 600)
        // Each correction sends the conversation again, including the answers.
        #expect(try #require(thrice.bounds.dollars) > 3 * (try #require(once.bounds.dollars)))
        #expect(once.probes == nil)
        let probed = try bounds("--schema-by", "auto")
        #expect(probed.probes?.requests == 4 && probed.probes?.tokens == 200)
        #expect(probed.bounds.completionTokens == 400)
        #expect(try #require(probed.probes?.nanodollars) > 4 * 50 * 2000)
    }

    @Test func anUnchangedInputIsKnownByItsRows() throws {
        try answer(Self.rows.joined(), failing: ["q2"])
        let plan = try plan(Self.rows.joined())
        #expect([plan.items, plan.done, plan.failed, plan.new, plan.changed] == [4, 3, 1, 0, 0])
    }

    @Test func aChangedInputIsComparedRowByRow() throws {
        try answer(Self.rows.joined(), failing: ["q2"])
        let changed = [#"{"id":"q5","prompt":"5"}"# + "\n", #"{"id":"q3","prompt":"other"}"# + "\n"]
        let plan = try plan(changed.joined() + Self.rows[0] + Self.rows[1])
        #expect([plan.items, plan.done, plan.failed, plan.new, plan.changed] == [4, 2, 1, 1, 1])
        #expect(plan.completionTokens?.interval != nil)
    }

    @Test func duplicatesAreBadRowsThatAreNamed() throws {
        let plan = try plan(Self.rows[0] + Self.rows[1] + Self.rows[0])
        #expect([plan.new, plan.bad, plan.duplicates] == [2, 1, 1])
        #expect(plan.badRows[0].message.hasPrefix("duplicate id "))
        #expect(plan.duplicatesShown[0].hasSuffix("in.jsonl:1)"))
    }

    @Test func anotherJobIsRefused() throws {
        try answer(Self.rows.joined())
        #expect(throws: RetortError.self) { try plan(Self.rows.joined(), "--temperature", "0.3") }
    }

    @Test func aDamagedStoreIsToldAsSuch() throws {
        try answer(Self.rows.joined())
        #expect(try plan(Self.rows.joined()).damage == [])
        let path = folder.path + "/out/responses/000001.jsonl.gz"
        let file = try #require(fopen(path, "r+"))
        fseek(file, -20, SEEK_END)
        fputs("damage", file)
        fclose(file)
        let plan = try plan(Self.rows.joined())
        #expect(plan.done == 4 && plan.damage.count == 1)
        let settings = try settings([folder.path + "/in.jsonl", "--out", folder.path + "/out", "--simulate"])
        #expect(plan.lines(settings).contains { $0.hasPrefix("damaged") && $0.contains("responses segment 1") })
        #expect(plan.json(settings).contains(#""damaged":1"#))
        // The next run knows it at its end, too.
        let store = try RecordStore.open(folder.path + "/out")
        try store.close()
        #expect(store.knownDamage().count == 1)
    }

    @Test func timeFollowsThePace() throws {
        try answer(Self.rows.joined())
        let more = Self.rows.joined() + (5...104).map { #"{"id":"q\#($0)","prompt":"\#($0)"}"# + "\n" }.joined()
        let plan = try plan(more)
        #expect(plan.new == 100)
        var configuration = GeneratorConfiguration()
        configuration.concurrency = 10
        // 100 items of 5 ms over 10 lanes.
        #expect(abs(try #require(plan.seconds(configuration)).mean - 0.05) < 1e-9)
        configuration.limits = RateLimits(requestsPerSecond: 4)
        #expect(plan.seconds(configuration)?.mean == 25)
    }
}
