import Basics
import JSONText
import Testing

@testable import Verifiers

struct PoolStateTests {
    private func key(_ id: String) -> ReplyKey { ReplyKey(id: Array(id.utf8), sample: 0) }

    private func reply(_ id: String, pass: Bool = true, round: Int? = nil) throws -> WorkerReply {
        let round = round.map { #","round":\#($0)"# } ?? ""
        return try WorkerReply(Array(#"{"id":"\#(id)","pass":\#(pass)\#(round)}"#.utf8), with: .init())
    }

    private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }

    private func state(workers: Int = 1, perWorker: Int = 2) -> PoolState {
        var limits = PoolState.Limits(workers: workers, timeout: .seconds(10))
        limits.requestsPerWorkerMax = perWorker
        return PoolState(limits)
    }

    @Test func workersAreStartedAsRequestsNeedThemAndThenGetSeveral() {
        var state = state(workers: 2)
        #expect(state.submit(1, key("a"), round: 1, at: at(0)) == [.start(0), .send(1, to: 0)])
        #expect(state.submit(2, key("b"), round: 1, at: at(0)) == [.start(1), .send(2, to: 1)])
        #expect(state.submit(3, key("c"), round: 1, at: at(0)) == [.send(3, to: 0)])
        #expect(state.submit(4, key("d"), round: 1, at: at(0)) == [.send(4, to: 1)])
        #expect(state.submit(5, key("e"), round: 1, at: at(0)) == [])
        #expect(!state.isIdle)
    }

    @Test func repliesAreMatchedInAnyOrderAndMakeRoom() throws {
        var state = state()
        _ = state.submit(1, key("a"), round: 1, at: at(0))
        _ = state.submit(2, key("b"), round: 3, at: at(0))
        _ = state.submit(3, key("c"), round: 1, at: at(0))
        #expect(
            state.reply(try reply("b", pass: false, round: 3), from: 0, at: at(1)) == [
                .succeed(2, Opinion(pass: false)), .send(3, to: 0),
            ])
        #expect(state.reply(try reply("a"), from: 0, at: at(1)) == [.succeed(1, Opinion(pass: true))])
    }

    @Test func anAnswerToNoRequestEndsTheWorker() throws {
        var state = state()
        _ = state.submit(1, key("a"), round: 2, at: at(0))
        var other = state
        #expect(state.reply(try reply("b"), from: 0, at: at(1)) == [.end(0)])
        #expect(other.reply(try reply("a", round: 1), from: 0, at: at(1)) == [.end(0)])
    }

    @Test func twoOfOneItemAreNotWithOneWorker() {
        var state = state()
        _ = state.submit(1, key("a"), round: 1, at: at(0))
        #expect(state.submit(2, key("a"), round: 1, at: at(0)) == [])
    }

    @Test func whatADeadWorkerHeldIsSentOnceMoreAlone() throws {
        var state = state()
        _ = state.submit(1, key("a"), round: 1, at: at(0))
        _ = state.submit(2, key("b"), round: 1, at: at(0))
        #expect(state.ended(0, "it died", at: at(1)) == [.start(0), .send(1, to: 0)])
        #expect(state.ended(0, "it died", at: at(2)) == [.fail(1, "it died")])
        #expect(state.nextDeadline == at(2) + .milliseconds(100))
        #expect(state.tick(at(2.2)) == [.start(0), .send(2, to: 0)])
        #expect(state.reply(try reply("b"), from: 0, at: at(3)) == [.succeed(2, Opinion(pass: true))])
        #expect(state.isIdle)
    }

    @Test func aWorkerThatFailsAfterOtherAnswersBlamesARequestLess() throws {
        var state = state()
        _ = state.submit(1, key("a"), round: 1, at: at(0))
        _ = state.submit(2, key("b"), round: 1, at: at(0))
        #expect(state.ended(0, "it died", at: at(1)) == [.start(0), .send(1, to: 0)])
        #expect(
            state.reply(try reply("a"), from: 0, at: at(2)) == [.succeed(1, Opinion(pass: true)), .send(2, to: 0)])
        #expect(state.ended(0, "it died", at: at(3)) == [.start(0), .send(2, to: 0)])
        #expect(state.ended(0, "it died", at: at(4)) == [.fail(2, "it died")])
    }

    @Test func whatAWorkerFailedOnGoesToANewWorkerFirst() throws {
        var state = state(workers: 2)
        _ = state.submit(1, key("a"), round: 1, at: at(0))
        _ = state.submit(2, key("b"), round: 1, at: at(0))
        _ = state.reply(try reply("b"), from: 1, at: at(1))
        #expect(state.ended(0, "it died", at: at(1)) == [.start(0), .send(1, to: 0)])
        #expect(state.submit(3, key("c"), round: 1, at: at(1)) == [.send(3, to: 1)])
    }

    @Test func aHungWorkerIsEndedAndARequestThatWasAloneFails() {
        var state = state()
        _ = state.submit(1, key("a"), round: 1, at: at(0))
        #expect(state.nextDeadline == at(10))
        #expect(state.tick(at(9.9)) == [])
        #expect(state.tick(at(10)) == [.end(0)])
        let reason = "its worker did not answer within 10.0 s"
        #expect(state.ended(0, "killed", at: at(10)) == [.fail(1, reason)])
    }

    @Test func eachRequestOfAWorkerHasItsTimeFromTheLastAnswerOn() throws {
        var state = state()
        _ = state.submit(1, key("a"), round: 1, at: at(0))
        _ = state.submit(2, key("b"), round: 1, at: at(0))
        _ = state.reply(try reply("a"), from: 0, at: at(8))
        #expect(state.nextDeadline == at(18))
    }

    @Test func workersThatEndWithoutAnyAnswerAreStartedSlowerAndSlowerUntilAllThatWaitsFails() {
        var state = state()
        var now = at(0)
        var failed: [PoolState.Ticket] = []
        var starts = 0
        for ticket in 1...20 as ClosedRange<PoolState.Ticket> {
            for case .start in state.submit(ticket, key("\(ticket)"), round: 1, at: now) { starts += 1 }
        }
        while failed.count < 20, starts < 50 {
            let actions = state.ended(0, "no such program", at: now)
            for case .fail(let ticket, _) in actions { failed.append(ticket) }
            if actions.contains(.start(0)) {
                starts += 1
            } else if let next = state.nextDeadline {
                now = next
                for case .start in state.tick(now) { starts += 1 }
            }
        }
        #expect(failed.sorted() == Array(1...20))
        #expect(starts == 5)
        #expect(now - at(0) > .milliseconds(600))
    }

    @Test func aCancelledRequestIsForgottenAndItsAnswerStillExpected() throws {
        var state = state(perWorker: 1)
        _ = state.submit(1, key("a"), round: 1, at: at(0))
        _ = state.submit(2, key("b"), round: 1, at: at(0))
        _ = state.submit(3, key("c"), round: 1, at: at(0))
        state.cancel(1)
        state.cancel(2)
        #expect(state.reply(try reply("a"), from: 0, at: at(1)) == [.send(3, to: 0)])
    }

    @Test func aClosedPoolFailsWhatWaitsAndTakesNothingMore() {
        var state = state(perWorker: 1)
        _ = state.submit(1, key("a"), round: 1, at: at(0))
        _ = state.submit(2, key("b"), round: 1, at: at(0))
        #expect(state.close() == [.fail(2, "it is closed")])
        #expect(state.submit(3, key("c"), round: 1, at: at(0)) == [.fail(3, "it is closed")])
        #expect(state.ended(0, "it died", at: at(1)) == [.fail(1, "it died")])
    }
}
