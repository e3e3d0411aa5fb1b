import Basics
import BatchDelivery
import HTTPTransport
import JSONText
import ModelAPI
import ResponseGenerator
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation

/// Answers each call with the next of its replies.
private final class ScriptedSender: BulkSender {
    private let replies: Locked<[ModelReply]>
    let calls = Locked<[BulkCall]>([])
    /// Of every reply.
    let headers = Locked<[(name: String, value: String)]>([])

    init(_ replies: (status: Int, body: String)...) {
        self.replies = Locked(replies.map { ModelReply(status: $0.status, body: Array($0.body.utf8)) })
    }

    func send(_ call: BulkCall) async -> Result<ModelReply, TransportFailure> {
        calls.withLock { $0.append(call) }
        let headers = headers.withLock { $0 }
        return replies.withLock {
            guard !$0.isEmpty else { return .failure(TransportFailure(.connection, "no more")) }
            var reply = $0.removeFirst()
            reply.headers = headers
            return .success(reply)
        }
    }
}

private func item(_ id: String, attempts: Int = 0) -> BatchItem {
    BatchItem(
        id: Array(id.utf8), sample: 0, row: 1, fingerprint: 2, attempts: attempts, costMax: 100, asked: [],
        metadata: Array("{}".utf8),
        request: ModelRequest(path: "/chat/completions", body: Array(#"{"model":"m"}"#.utf8)))
}

@Suite struct BatchTests {
    @Test func theKeysOfBatchesTellTheirRowsFromDuplicates() {
        let keys = BatchKeys()
        let hashes = (0..<100).map { RecordKey("row \($0)").hash }
        keys.add(1, hashes[..<50].enumerated().map { ($1.low, UInt64($0)) })
        keys.add(2, hashes[50...].map { ($0.low, BatchKeys.unknownRow) })
        #expect(keys.standing(hashes[7], row: 7) == .underWay)
        #expect(keys.standing(hashes[7], row: 8) == .duplicate(of: 7))
        #expect(keys.standing(hashes[70], row: 7) == .underWay)
        #expect(keys.standing(RecordKey("another").hash, row: 7) == .none)
        keys.leave(hashes[7])
        keys.remove(1)
        #expect(keys.standing(hashes[8], row: 8) == .none && keys.standing(hashes[7], row: 7) == .underWay)
    }

    @Test func linesAreJudgedAsLiveAnswersAre() {
        func verdict(_ status: Int, _ body: String, attempts: Int = 0) -> BatchVerdict {
            BatchVerdict(
                item("a", attempts: attempts), ModelReply(status: status, body: Array(body.utf8)),
                price: TokenPrice(input: 1, cachedInput: 1, output: 2), Classifier(), attemptsMax: 3, with: JSONParser()
            )
        }
        let answer =
            #"{"choices":[{"message":{"role":"assistant","content":"x"},"finish_reason":"stop"}],"#
            + #""usage":{"prompt_tokens":3,"completion_tokens":4}}"#
        let good = verdict(200, answer)
        #expect(good.results.count == 1 && good.next == nil && good.spent == 11_000 && good.attempts == 1)
        let failed = verdict(500, #"{"error":{"message":"m"}}"#)
        #expect(failed.results.isEmpty && failed.next?.attempts == 1 && failed.spent == 0)
        let last = verdict(500, #"{"error":{"message":"m"}}"#, attempts: 2)
        #expect(last.results.count == 1 && last.next == nil)
        // An unreadable answer was paid for, so a round records it.
        let broken = verdict(200, #"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#)
        #expect(broken.rounds.count == (broken.next == nil ? 0 : 1))
        var refused = verdict(404, #"{"error":{"message":"The model `m` does not exist","code":"model_not_found"}}"#)
        #expect(refused.results.count == 1 && refused.stop == nil)
        refused.blameRun(item("a"))
        #expect(refused.results.isEmpty && refused.isLeft && refused.stop?.code == .refused)
    }

    @Test func anthropicsBatchIsFoundByTimeAndSizeAndNoOther() async throws {
        func batch(_ id: String, _ created: String, _ count: Int) -> String {
            #"{"id":"\#(id)","processing_status":"in_progress","created_at":"\#(created)","request_counts":{"processing":\#(count)}}"#
        }
        let sender = ScriptedSender(
            (
                200,
                #"{"has_more":true,"last_id":"b3","data":["#
                    + [
                        batch("b1", "2026-01-01T00:10:00Z", 7), batch("b2", "2026-01-01T00:05:00Z", 8),
                        batch("b3", "2026-01-01T00:04:00Z", 7),
                    ].joined(separator: ",") + "]}"
            ),
            (200, #"{"has_more":true,"last_id":"b4","data":[\#(batch("b4", "2025-12-31T00:00:00Z", 7))]}"#))
        let caller = BatchCaller(
            dialect: AnthropicBatches(), sender: sender, secrets: Secrets(environment: [:], headers: []))
        let plan = BatchPlan(
            name: "n", mark: "m", path: "/v1/messages", window: "24h", server: "s", requests: 7, bytes: 1, tokens: 1,
            costMax: 0)
        let standing = try #require(
            BatchStanding(BatchEntry(number: 1, .planned, time: 1_767_225_600, plan: plan)))
        #expect(await caller.findBatch(standing, except: ["b1", "b3"]) == .foundBatch(nil))
        #expect(sender.calls.withLock { $0.map(\.query) } == ["limit=1000", "limit=1000&after_id=b3"])
    }

    @Test func anthropicsBatchIsFoundThoughTheClockHereIsAhead() async throws {
        let made: Int64 = 1_767_225_600
        func find(_ headers: [(name: String, value: String)]) async throws -> BatchMachine.Event {
            let body =
                #"{"data":[{"id":"b1","processing_status":"in_progress","created_at":"2026-01-01T00:00:00Z","#
                + #""request_counts":{"processing":7}}]}"#
            let sender = ScriptedSender((200, body))
            sender.headers.withLock { $0 = headers }
            let caller = BatchCaller(
                dialect: AnthropicBatches(), sender: sender, secrets: Secrets(environment: [:], headers: []))
            let plan = BatchPlan(
                name: "n", mark: "m", path: "/v1/messages", window: "24h", server: "s", requests: 7, bytes: 1,
                tokens: 1, costMax: 0)
            // Planned now, according to the local clock.
            let standing = try #require(
                BatchStanding(BatchEntry(number: 1, .planned, time: Int(wallClockSeconds()), plan: plan)))
            return await caller.findBatch(standing, except: [])
        }
        #expect(try await find([("date", HTTPDate.text(made))]) == .foundBatch("b1"))
        #expect(try await find([]) == .foundBatch(nil))
    }

    @Test func whatAnApiEchoesHoldsNoSecret() async {
        let secrets = Secrets(environment: [:], headers: [("Authorization", "Bearer sk-0123456789abcdef")])
        func event(_ status: Int, _ body: String) async -> String {
            let caller = BatchCaller(dialect: OpenAIBatches(), sender: ScriptedSender((status, body)), secrets: secrets)
            return "\(await caller.look("b"))"
        }
        for (status, body) in [
            (400, #"{"error":{"message":"bad key Bearer sk-0123456789abcdef","code":"token_limit_exceeded"}}"#),
            (500, "sk-0123456789abcdef"), (200, #"{"key":"sk-0123456789abcdef"}"#),
            (
                200,
                #"{"id":"b","status":"failed","errors":{"data":[{"code":"c","message":"sk-0123456789abcdef"}]}}"#
            ),
        ] { #expect(await !event(status, body).contains("sk-0123456789abcdef")) }
    }

    @Test func aCorrectionRaisesWhatIsSetAsideAndHasAttemptsOfItsOwn() {
        let price = TokenPrice(input: 1, cachedInput: 1, output: 2)
        var first = item("a", attempts: 2)
        first.request.body = Array(#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#.utf8)
        let verdict = BatchVerdict(
            first, ModelReply(status: 500, body: Array("{}".utf8)), price: price, Classifier(), attemptsMax: 5,
            with: JSONParser())
        #expect(verdict.next?.costMax == first.costMax && verdict.next?.attempts == 3)
        first.attemptsBefore = 2
        let again = BatchVerdict(
            first, ModelReply(status: 500, body: Array("{}".utf8)), price: price, Classifier(), attemptsMax: 1,
            with: JSONParser())
        #expect(again.next == nil && again.results.count == 1)
    }

    @Test func whatNothingExplainsIsKeptWithAndWithoutACap() {
        for limit in [nil, 1000] as [Int?] {
            var books = BatchBooks(limit: limit, spent: 10, at: .now)
            books.adopt(uncertain: 100, reserved: 50)
            books.reserve(7)
            // Nothing of the packed requests remains after a kill.
            #expect(books.mark == 150 && books.uncertain == 100)
            books.planned(7)
            #expect(books.mark == 157)
            books.settle(50, spent: 20)
            books.doubt(7)
            #expect(books.mark == 114 && books.uncertain == 107)
            #expect(books.allows(10_000) == (limit == nil))
        }
    }

    @Test func theItemsOfEarlierRunsAreKnownByWhatTheyAsk() {
        let keys = BatchKeys()
        let hashes = (0..<100).map { RecordKey("row \($0)").hash }
        keys.adopt(
            hashes.enumerated().map { BatchKeys.Adopted(hash: $1.low, row: UInt64($0), fingerprint: UInt32($0)) })
        #expect(keys.adopted(hashes[40]) == BatchKeys.Adopted(hash: hashes[40].low, row: 40, fingerprint: 40))
        #expect(keys.adopted(RecordKey("another").hash) == nil)
    }

    @Test func anotherJobHasAnotherMark() {
        let job = ["model": "m", "samples": "1", "template": "a"]
        #expect(BatchGuard.jobMark(job) == BatchGuard.jobMark(job.merging(["samples": "2"]) { $1 }))
        #expect(BatchGuard.jobMark(job) != BatchGuard.jobMark(job.merging(["template": "b"]) { $1 }))
        #expect(BatchGuard.jobMark(job) != BatchGuard.jobMark(job.merging(["seed": "1"]) { $1 }))
    }

    @Test func statusesBecomeEvents() async {
        func event(_ status: Int, _ body: String = "{}") async -> BatchMachine.Event {
            let caller = BatchCaller(
                dialect: OpenAIBatches(), sender: ScriptedSender((status, body)),
                secrets: Secrets(environment: [:], headers: []))
            return await caller.look("b")
        }
        func name(_ event: BatchMachine.Event) -> String { String("\(event)".prefix { $0 != "(" }) }
        var view = BatchView(id: "b")
        view.end = .completed
        #expect(await event(200, #"{"id":"b","status":"completed"}"#) == .looked(view))
        for (status, body, expected) in [
            (200, "{}", "lost"), (200, #"{"id":"another","status":"completed"}"#, "lost"), (500, "{}", "lost"),
            (401, "{}", "denied"), (404, "{}", "unknown"), (429, "{}", "busy"), (400, "{}", "refused"),
            (400, #"{"error":{"message":"m","code":"token_limit_exceeded"}}"#, "queueFull"),
            (429, #"{"error":{"message":"m","code":"insufficient_quota"}}"#, "denied"),
        ] { #expect(name(await event(status, body)) == expected, "\(status) \(body)") }
    }
}
