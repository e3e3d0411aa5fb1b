import Basics
import Testing

@testable import ResponseGenerator

@Suite struct BackoffTests {
    @Test func drawsFromZeroToADoublingBound() {
        var backoff = Backoff(seed: 7)
        for (attempt, bound) in [(1, 1.0), (2, 2), (3, 4), (4, 8), (6, 32), (7, 60), (40, 60), (1_000_000, 60)] {
            let draws = (0..<500).map { _ in backoff.delay(attempt: attempt, hint: nil).seconds }
            #expect(draws.allSatisfy { $0 >= 0 && $0 <= bound })
            // Full jitter: the draws cover the range.
            #expect(draws.min()! < bound * 0.05 && draws.max()! > bound * 0.95)
        }
    }

    @Test func isTheSameForTheSameSeed() {
        var (one, two, other) = (Backoff(seed: 1), Backoff(seed: 1), Backoff(seed: 2))
        let draws = (1...20).map { one.delay(attempt: $0, hint: nil) }
        #expect(draws == (1...20).map { two.delay(attempt: $0, hint: nil) })
        #expect(draws != (1...20).map { other.delay(attempt: $0, hint: nil) })
    }

    @Test func theServersWishWins() {
        var backoff = Backoff(seed: 3)
        for _ in 0..<100 {
            let delay = backoff.delay(attempt: 1, hint: .seconds(20)).seconds
            #expect(delay >= 20 && delay <= 22)
        }
        #expect(backoff.delay(attempt: 1, hint: .seconds(1e6)).seconds <= (Backoff.hintMax * 1.1).seconds)
    }

    @Test func aWishForNoWaitIsADraw() {
        var (one, two) = (Backoff(seed: 5), Backoff(seed: 5))
        #expect(one.delay(attempt: 3, hint: .zero) == two.delay(attempt: 3, hint: nil))
    }
}

@Suite struct RetryQueueTests {
    @Test func comesOutInOrderOfTimeAndThenOfArrival() {
        var random = SplitMix64(seed: 11)
        var queue = RetryQueue<Int>()
        var expected: [(due: Int64, element: Int)] = []
        for element in 0..<2000 {
            let due = Int64.random(in: 0..<50, using: &random)
            queue.push(element, due: Instant(nanoseconds: due))
            expected.append((due, element))
        }
        expected.sort { ($0.due, $0.element) < ($1.due, $1.element) }
        #expect(queue.count == 2000)
        #expect(queue.first == expected[0].element)
        var popped: [Int] = []
        while let element = queue.popFirst() { popped.append(element) }
        #expect(popped == expected.map(\.element))
        #expect(queue.isEmpty && queue.nextDue == nil)
    }

    @Test func interleavedPushesAndPopsKeepTheOrder() {
        var random = SplitMix64(seed: 12)
        var queue = RetryQueue<Int64>()
        var model: [Int64] = []
        for _ in 0..<5000 {
            if Bool.random(using: &random) || model.isEmpty {
                let due = Int64.random(in: 0..<1000, using: &random)
                queue.push(due, due: Instant(nanoseconds: due))
                model.append(due)
            } else {
                let least = model.min()!
                model.remove(at: model.firstIndex(of: least)!)
                #expect(queue.popFirst() == least)
            }
        }
    }
}
