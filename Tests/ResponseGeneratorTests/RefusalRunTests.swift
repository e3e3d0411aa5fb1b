import Basics
import ModelAPI
import TestSupport
import Testing

@testable import ResponseGenerator

@Suite struct RefusalRunTests {
    let clock = ManualClock()
    let sink = MemorySink()

    private func run(
        _ count: Int, concurrency: Int = 4, _ change: (inout GeneratorConfiguration) -> Void = { _ in },
        _ script: @escaping @Sendable (ScriptedTransport.Call) -> ScriptedTransport.Reply
    ) async throws -> (summary: RunSummary, transport: ScriptedTransport) {
        let transport = ScriptedTransport(clock, script: script)
        let summary = try await generator(clock, transport, concurrency: concurrency, change)
            .run(source: NumberSource(count), sink: sink)
        return (summary, transport)
    }

    private func with(_ change: @escaping (inout GeneratorConfiguration) -> Void) -> (inout GeneratorConfiguration) ->
        Void
    {
        change
    }

    @Test(arguments: [(401, ""), (403, ""), (404, "model_not_found"), (404, "unknown_url"), (304, ""), (400, "")])
    func aRefusalAmongSuccessesIsTheItemsOwn(status: Int, code: String) async throws {
        let (summary, _) = try await run(1000) { $0.number == 25 ? .error(status, code: code) : .answer() }
        #expect(summary.ending == .completed && summary.error == nil)
        #expect(sink.answered == 999 && sink.failed == 1 && sink.stored.doubles == 0)
    }

    @Test(arguments: [1, 2, 4, 64], [(403, ""), (404, "model_not_found"), (404, "unknown_url"), (302, ""), (400, "")])
    func oddFirstItemsBlockNoOthers(concurrency: Int, refusal: (Int, String)) async throws {
        let (summary, transport) = try await run(100, concurrency: concurrency) {
            Int($0.body)! < 2 ? .error(refusal.0, code: refusal.1) : .answer()
        }
        #expect(summary.ending == .completed)
        #expect(sink.answered == 98 && sink.failed == 2 && transport.counts.calls == 100)
    }

    @Test func thoseInFlightSpeakForTheOthers() async throws {
        let (summary, _) = try await run(100, concurrency: 8) {
            Int($0.body)! < 7 ? .error(403) : .answer(latency: .seconds(60))
        }
        #expect(summary.ending == .completed && sink.answered == 93 && sink.failed == 7)
    }

    @Test(arguments: [(401, "", 4), (403, "", 8), (404, "model_not_found", 8), (404, "unknown_url", 8)])
    func whatAllShareStopsTheRunAtOnce(status: Int, code: String, callsMax: Int) async throws {
        let (summary, transport) = try await run(10_000) { _ in .error(status, code: code) }
        #expect(summary.ending == .failed && summary.error?.cause?.contains("scripted \(status)") == true)
        #expect(transport.counts.calls <= callsMax)
        #expect(sink.stored.outcomes.isEmpty, "the items stay pending")
        #expect(summary.progress.errors.first?.text.contains("scripted") == true)
    }

    @Test(arguments: [
        (401, ""), (402, ""), (403, ""), (404, "model_not_found"), (400, ""), (429, "insufficient_quota"),
    ])
    func whereClientsWaitARefusalIsTheItemsOwnAtOnce(status: Int, code: String) async throws {
        let (summary, transport) = try await run(100, with { $0.refusalsAreOutcomes = true }) { _ in
            .error(status, code: code)
        }
        #expect(summary.ending == .completed && summary.error == nil)
        #expect(sink.failed == 100 && transport.counts.calls == 100)
        let outcome = try #require(sink.stored.outcomes[0])
        guard case .failure(let failure) = outcome.result else { return #expect(Bool(false), "no failure") }
        #expect(failure.status == status && !failure.body.isEmpty && outcome.attempts == 1)
    }

    @Test func aSingleItemStaysPendingToo() async throws {
        let (summary, _) = try await run(1) { _ in .error(404, code: "model_not_found") }
        #expect(summary.error?.code == .refused && sink.stored.outcomes.isEmpty)
    }

    @Test(arguments: [400, 422, 409 + 9])
    func equalRejectionsStopAfterSomeDozens(status: Int) async throws {
        let (summary, transport) = try await run(300) { _ in .error(status) }
        #expect(summary.ending == .failed && summary.error?.description.contains("scripted") == true)
        #expect((32..<50).contains(transport.counts.calls))
        #expect(sink.stored.outcomes.isEmpty)
    }

    @Test func fewRejectionsAreFailures() async throws {
        let (summary, _) = try await run(20) { _ in .error(400) }
        #expect(summary.ending == .completed && sink.failed == 20)
    }

    @Test func aKeyThatExpiresLeavesItsItemsPending() async throws {
        let (summary, _) = try await run(1000) { $0.number > 500 ? .error(401) : .answer() }
        #expect(summary.error?.code == .refused)
        #expect(sink.failed == 0 && sink.answered == 500)
    }

    @Test func answersOfAnUnknownFormArePaidOnceAndEnd() async throws {
        let body = Array("<html>login</html>".utf8)
        let (summary, transport) = try await run(300, with { $0.attemptsMax = 2 }) { _ in
            .init(.success(ModelReply(status: 200, body: body)))
        }
        #expect(summary.ending == .failed)
        #expect(transport.counts.calls < 150)
        #expect(sink.failed >= 32, "what is paid is on disk")
    }

    @Test func tornAnswersUseUpAttempts() async throws {
        let torn = ScriptedTransport.Reply(
            .failure(TransportFailure(.connection, "closed in the middle of the answer", stage: .answering)))
        let (summary, transport) = try await run(19, concurrency: 64, with { $0.attemptsMax = 2 }) { _ in torn }
        #expect(summary.ending == .completed && sink.failed == 19 && transport.counts.calls == 38)
        #expect((clock.now - Instant(nanoseconds: 0)).seconds < 5)
        #expect(summary.progress.retries == [.connection: 19] && summary.progress.requests == 38)
    }

    @Test func aServerThatComesBackAskingForLessIsNoOutage() async throws {
        let (summary, _) = try await run(10, concurrency: 64) {
            $0.attempt == 1 ? .error(500) : $0.attempt == 2 ? .error(429) : .answer()
        }
        #expect(summary.ending == .completed && sink.answered == 10)
        #expect((clock.now - Instant(nanoseconds: 0)).seconds < 12)
    }

    @Test func anUnknownHostEndsTheRunSoon() async throws {
        let reply = ScriptedTransport.Reply(
            .failure(TransportFailure(.unresolved, "apo:443: could not resolve host", stage: .unconnected)))
        let reports = Reports()
        let transport = ScriptedTransport(clock) { _ in reply }
        let summary = try await generator(clock, transport, concurrency: 20, observer: reports) {
            $0.server = "https://apo:443/v1"
        }.run(source: NumberSource(100), sink: sink)
        #expect(summary.error?.code == .configuration)
        #expect(summary.error?.description.contains("https://apo:443/v1: could not resolve host. ") == true)
        #expect((clock.now - Instant(nanoseconds: 0)).seconds < 20 && sink.stored.outcomes.isEmpty)
        #expect(summary.progress.requests == 0 && summary.progress.unconnected > 10)
        let held = try #require(reports.all.last { $0.hold == .serverDown })
        #expect(held.lastError?.contains("could not resolve") == true && held.outageLeft != nil && !held.hasReached)
        #expect(held.timeLeft == nil)
    }

    @Test func aNameThatWasKnownOnceIsWaitedFor() async throws {
        let (summary, _) = try await run(100, with { $0.hasWorkedBefore = true }) {
            ($0.time - Instant(nanoseconds: 0)).seconds < 60
                ? .init(.failure(TransportFailure(.unresolved, "no name", stage: .unconnected))) : .answer()
        }
        #expect(summary.ending == .completed && sink.answered == 100)
    }

    @Test func whatIsNotHTTPIsConfiguration() async throws {
        let (summary, _) = try await run(100) { _ in .broken(.malformed) }
        #expect(summary.error?.code == .configuration && sink.stored.outcomes.isEmpty)
        #expect((clock.now - Instant(nanoseconds: 0)).seconds < 20)
    }

    @Test func anOutageEndsWithItsCauseAndTheAddress() async throws {
        let (summary, _) = try await run(100, with { ($0.outageMax, $0.server) = (.seconds(60), "http://h:1/v1") }) {
            _ in
            .broken(.connection)
        }
        #expect(
            summary.error?.description.hasPrefix("http://h:1/v1 unreachable for 60 s (scripted connection). All")
                == true)
    }

    @Test func aNamedModelThatIsUnknownFailsAlone() {
        var machine = Dispatcher(GeneratorConfiguration(), at: Instant(nanoseconds: 0))
        let ticket = Ticket(serial: 0, request: ModelRequest(path: "/", body: []), namesModel: true)
        machine.supplied([ticket])
        machine.supplied(nil)
        guard case .dispatch = machine.next(at: Instant(nanoseconds: 0)) else {
            Issue.record("not sent")
            return
        }
        let refusal = Refusal(.model, .badRequest, "HTTP 404: unknown")
        let attempt = AttemptResult(
            ticket: ticket, judgement: Judgement(verdict: .refuse(refusal)), reply: ModelReply(status: 404, body: []))
        #expect(machine.returned(attempt, at: Instant(nanoseconds: 0)) == nil)
        guard case .record = machine.next(at: Instant(nanoseconds: 0)) else {
            Issue.record("not recorded")
            return
        }
        #expect(machine.takeReleased().count == 1 && machine.error == nil)
    }
}
