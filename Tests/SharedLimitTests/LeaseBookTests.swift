import Basics
import Testing

@testable import SharedLimit

@Suite struct LeaseBookTests {
    private let start = Instant(nanoseconds: 5_000_000_000)

    private func ask(_ client: String, bound: Int = 0, wanted: Int = 0, needed: Int = 0) -> LeaseRequest {
        LeaseRequest(client: client, moneyBound: bound, moneyWanted: wanted, moneyNeeded: needed)
    }

    @Test func moneyIsGivenOnceInSmallParts() {
        var book = LeaseBook(LimitTerms(moneyMax: 1000), epoch: 1, isRestart: false, at: start)
        let first = book.lease(ask("a", wanted: 1000, needed: 10), at: start)
        #expect(first.moneyLimit == 250 && !first.isSpent)
        let second = book.lease(ask("b", wanted: 50, needed: 10), at: start)
        #expect(second.moneyLimit == 50 && book.moneyLeft == 700)
        // It requests more: what it was granted before is part of its own limit.
        #expect(book.lease(ask("a", bound: 250, wanted: 1000), at: start).moneyLimit == 337)
        #expect(book.lease(ask("c", wanted: 5000, needed: 2000), at: start).isSpent)
    }

    @Test func theSumIsNeverAboveTheWhole() {
        var random = SeededRandom(seed: 7)
        var book = LeaseBook(LimitTerms(moneyMax: 100_000), epoch: 1, isRestart: false, at: start)
        var limits: [String: Int] = [:]
        for _ in 0..<5000 {
            let client = "c\(Int.random(in: 0..<20, using: &random))"
            let limit = limits[client] ?? 0
            // A client that ends returns what it did not spend.
            let bound = Int.random(in: 0..<4, using: &random) == 0 ? limit * 9 / 10 : limit
            let wanted = Int.random(in: 0...3000, using: &random)
            let lease = book.lease(ask(client, bound: bound, wanted: wanted, needed: min(wanted, 10)), at: start)
            limits[client] = lease.moneyLimit
            #expect(limits.values.reduce(0, +) <= 100_000)
            #expect((book.moneyLeft ?? -1) == 100_000 - limits.values.reduce(0, +))
        }
        #expect(limits.values.reduce(0, +) > 90_000)
    }

    @Test func whatTheDeadMayHaveSpentComesBackWithThem() {
        var book = LeaseBook(LimitTerms(moneyMax: 100), epoch: 1, isRestart: false, at: start)
        #expect(book.lease(ask("a", wanted: 100, needed: 80), at: start).moneyLimit == 80)
        let later = start + .seconds(86_400)
        #expect(book.lease(ask("b", wanted: 50, needed: 50), at: later).isSpent)
        // Its store says that it spent 30.
        #expect(book.lease(ask("a", bound: 30), at: later).moneyLimit == 30)
        #expect(book.lease(ask("b", wanted: 50, needed: 50), at: later).moneyLimit == 50)
    }

    @Test func aRestartKnowsTheMoney() {
        let book = LeaseBook(
            LimitTerms(moneyMax: 100), money: ["a": 70], epoch: 2, isRestart: true, at: start)
        #expect(book.moneyLeft == 30)
    }

    @Test func aRefusalOfOneSlowsAll() {
        var book = LeaseBook(LimitTerms(requestsPerSecond: 100), epoch: 1, isRestart: false, at: start)
        let before = book.lease(LeaseRequest(client: "a", requests: 5), at: start).step
        _ = book.lease(LeaseRequest(client: "a", requests: 1, refused: 3, pause: .seconds(2)), at: start)
        let early = book.lease(LeaseRequest(client: "b", requests: 5), at: start)
        #expect(early.requests == 0 && early.again > .seconds(1))
        let other = book.lease(LeaseRequest(client: "b", requests: 5), at: start + .seconds(2.1))
        #expect(other.requests > 0 && other.step.seconds > before.seconds * 1.3)
        // Refusals at the same moment count as one.
        var again = LeaseBook(LimitTerms(requestsPerSecond: 100), epoch: 1, isRestart: false, at: start)
        for _ in 0..<3 { _ = again.lease(LeaseRequest(client: "a", refused: 50), at: start + .milliseconds(500)) }
        #expect(again.pace(at: start + .milliseconds(500)) == Pace.cut)
        #expect(book.pace(at: start + .seconds(40)) == 1)
        // A server may request any pause.
        _ = book.lease(
            LeaseRequest(client: "b", refused: 1, pause: Interval(nanoseconds: .max / 4)), at: start + .seconds(50))
        let after = book.lease(LeaseRequest(client: "b", requests: 1), at: start + .seconds(112))
        #expect(after.requests == 1)
    }

    @Test func hostileNumbersAreHarmless() {
        var random = SeededRandom(seed: 99)
        var book = LeaseBook(
            LimitTerms(requestsPerSecond: 1e-3, tokensPerMinute: 1, moneyMax: LeaseRequest.moneyMax), epoch: 1,
            isRestart: false, at: start)
        let numbers = [Int.min, -1, 0, 1, 1 << 20, 1 << 40, 1 << 53, .max]
        for _ in 0..<20_000 {
            func number() -> Int { numbers.randomElement(using: &random)! }
            let request = LeaseRequest(
                client: "c\(number() & 7)", requests: number(), tokens: number(), moneyBound: number(),
                moneyWanted: number(), moneyNeeded: number(), refused: number(),
                pause: Interval(nanoseconds: Int64(number())))
            let lease = book.lease(request, at: start + .seconds(Double(UInt16.random(in: 0...999, using: &random))))
            #expect(lease.requests >= 0 && lease.requests <= LeaseRequest.requestsMax && lease.step >= .zero)
        }
    }
}
