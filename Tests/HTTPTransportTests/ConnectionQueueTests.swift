import Testing

@testable import HTTPTransport

@Suite struct ConnectionQueueTests {
    /// Exchanges are named by texts, connections by numbers.
    private var queue = ConnectionQueue<String, Int>()

    /// A queue that has opened `count` connections, all idle.
    private mutating func openIdle(_ count: Int) {
        for number in 0..<count {
            #expect(queue.connection(for: "x") == nil)
            #expect(queue.connectionsToOpen() == 1)
            queue.serverKnown()
            #expect(queue.opened(number) == "x")
        }
        for number in 0..<count { #expect(queue.free(number) == nil) }
    }

    @Test mutating func oneLooksTheAddressUpForAll() {
        for name in ["a", "b", "c"] { #expect(queue.connection(for: name) == nil) }
        #expect(queue.connectionsToOpen() == 1)
        #expect(queue.connectionsToOpen() == 0)
        queue.serverKnown()
        #expect(queue.connectionsToOpen() == 2)
        #expect(queue.opened(1) == "a")
        #expect(queue.opened(2) == "b")
        #expect(queue.opened(3) == "c")
        #expect(queue.connectionsToOpen() == 0)
    }

    @Test mutating func takesTheWarmestIdleConnection() {
        openIdle(3)
        #expect(queue.connection(for: "a") == 2)
        #expect(queue.connection(for: "b") == 1)
        #expect(queue.free(2) == nil)
        #expect(queue.connection(for: "c") == 2)
        #expect(queue.connectionsToOpen() == 0)
    }

    @Test mutating func whoWaitsTakesAConnectionThatComesFree() {
        openIdle(1)
        #expect(queue.connection(for: "a") == 0)
        #expect(queue.connection(for: "b") == nil)
        #expect(queue.connectionsToOpen() == 1)
        #expect(queue.free(0) == "b")
        // No exchange waits for the new connection, so it is kept.
        #expect(queue.opened(7) == nil)
        #expect(queue.connection(for: "c") == 7)
    }

    @Test mutating func aReplacedExchangeGetsAFreshConnectionFirst() {
        openIdle(2)
        #expect(queue.connection(for: "a") == 1)
        queue.waitForFresh("a")
        #expect(queue.connectionsToOpen() == 1)
        #expect(queue.free(1) == nil)
        #expect(queue.opened(8) == "a")
    }

    @Test mutating func oneFailureIsOneExchanges() {
        for name in ["a", "b"] { #expect(queue.connection(for: name) == nil) }
        #expect(queue.connectionsToOpen() == 1)
        queue.serverKnown()
        #expect(queue.connectionsToOpen() == 1)
        #expect(queue.failed(.other) { _ in false } == ["a"])
        #expect(queue.connectionsToOpen() == 0)
        #expect(queue.failed(.other) { _ in false } == ["b"])
        #expect(queue.connection(for: "c") == nil)
        #expect(queue.connectionsToOpen() == 1)
    }

    @Test mutating func anUnknownNameFailsAllWhoWait() {
        for name in ["a", "b", "c"] { #expect(queue.connection(for: name) == nil) }
        #expect(queue.connectionsToOpen() == 1)
        queue.gaveUp("b")
        #expect(queue.failed(.lookup) { _ in false } == ["a", "c"])
        #expect(!queue.isServerKnown)
        for name in ["d", "e"] { #expect(queue.connection(for: name) == nil) }
        #expect(queue.connectionsToOpen() == 1)
    }

    @Test mutating func whoGivesUpGetsNothing() {
        for name in ["a", "b"] { #expect(queue.connection(for: name) == nil) }
        #expect(queue.connectionsToOpen() == 1)
        queue.gaveUp("a")
        #expect(queue.opened(1) == "b")
        queue.waitForFresh("c")
        queue.gaveUp("c")
        #expect(queue.opened(2) == nil)
    }

    @Test mutating func whenTheTimeHasPassedThoseFailWhoHaveWaitedAsLong() {
        for name in ["old", "older", "young"] { #expect(queue.connection(for: name) == nil) }
        queue.waitForFresh("oldest")
        queue.serverKnown()
        #expect(queue.connectionsToOpen() == 4)
        #expect(queue.failed(.timeout) { $0 != "young" } == ["oldest", "old", "older"])
        #expect(queue.failed(.timeout) { $0 != "young" } == [])
        #expect(queue.connectionsToOpen() == 0)
        #expect(queue.opened(1) == "young")
        #expect(queue.opened(2) == nil)
    }

    @Test mutating func closedConnectionsDoNotPileUp() {
        openIdle(10)
        var open = Set(0..<10)
        for number in 0..<8 {
            open.remove(number)
            queue.idleConnectionClosed { open.contains($0) }
        }
        // Six of ten have been removed; two of the four that are left have not been, and are returned and found closed.
        for number in [9, 8, 7, 6] { #expect(queue.connection(for: "a") == number) }
        #expect(queue.connection(for: "a") == nil)
    }

    @Test mutating func opensNoMoreThanItMay() {
        queue = ConnectionQueue(connectionsMax: 2)
        queue.serverKnown()
        for name in ["a", "b", "c", "d"] { #expect(queue.connection(for: name) == nil) }
        #expect(queue.connectionsToOpen() == 2)
        #expect(queue.opened(1) == "a")
        #expect(queue.failed(.other) { _ in false } == ["b"])
        #expect(queue.connectionsToOpen() == 1)
        #expect(queue.opened(2) == "c")
        #expect(queue.connectionsToOpen() == 0)
        queue.closed()
        #expect(queue.connectionsToOpen() == 1)
        #expect(queue.opened(3) == "d")
    }

    @Test mutating func opensAFewAtATime() {
        queue.serverKnown()
        let max = ConnectionQueue<String, Int>.connectingMax
        for number in 0..<3 * max { #expect(queue.connection(for: "\(number)") == nil) }
        #expect(queue.connectionsToOpen() == max)
        for number in 0..<2 * max {
            #expect(queue.opened(number) == "\(number)")
            #expect(queue.connectionsToOpen() == 1)
        }
        for number in 2 * max..<3 * max { #expect(queue.opened(number) == "\(number)") }
        #expect(queue.connectionsToOpen() == 0)
    }
}

@Suite struct WaitingLineTests {
    @Test func keepsTheOrderWhoeverLeaves() {
        var line = WaitingLine<Int>()
        var model: [Int] = []
        var numbers = SystemRandomNumberGenerator()
        for number in 0..<3000 {
            switch Int.random(in: 0..<4, using: &numbers) {
            case 0, 1:
                line.append(number)
                model.append(number)
            case 2: #expect(line.popFirst() == (model.isEmpty ? nil : model.removeFirst()))
            default:
                let leaver = model.randomElement(using: &numbers) ?? -1
                line.remove(leaver)
                model.removeAll { $0 == leaver }
            }
            #expect(line.count == model.count)
        }
        #expect(line.removeAll() == model)
        #expect(line.popFirst() == nil)
    }
}
