import Basics
import Testing

@testable import ResponseGenerator

@Suite struct WindowMachineTests {
    @Test func aSlotIsFreeOnlyWhenTheSinkHasTakenTheResult() {
        var window = WindowMachine(waitingMax: 10)
        window.dispatched()
        window.dispatched()
        #expect(!window.hasRoom(limit: 2))
        window.received()
        #expect(!window.hasRoom(limit: 2))
        window.settled(1)
        #expect(window.hasRoom(limit: 2))
        window.released()
        #expect(window.inFlight == 0)
    }

    @Test func fetchesOneBatchAheadAndOneAtATime() {
        var window = WindowMachine(waitingMax: 10)
        #expect(window.wantsItems(atHand: 0, waiting: 0))
        window.pulled()
        #expect(!window.wantsItems(atHand: 0, waiting: 0))
        window.supplied(100)
        #expect(!window.wantsItems(atHand: 100, waiting: 0))
        #expect(window.wantsItems(atHand: 99, waiting: 0))
        #expect(!window.wantsItems(atHand: 0, waiting: 10))
        window.supplied(nil)
        #expect(!window.wantsItems(atHand: 0, waiting: 0))
    }

    @Test func isFinishedWhenNothingIsLeftAnywhere() {
        var window = WindowMachine(waitingMax: 10)
        #expect(!window.isFinished(atHand: 0, waiting: 0))
        window.dispatched()
        window.supplied(nil)
        #expect(!window.isFinished(atHand: 0, waiting: 0))
        window.received()
        #expect(!window.isFinished(atHand: 0, waiting: 0))
        window.settled(1)
        #expect(!window.isFinished(atHand: 1, waiting: 0))
        #expect(!window.isFinished(atHand: 0, waiting: 1))
        #expect(window.isFinished(atHand: 0, waiting: 0))
    }

    @Test func drainingWaitsForWhatIsInFlightOnly() {
        var window = WindowMachine(waitingMax: 10)
        window.dispatched()
        window.drain(deadline: nil)
        #expect(!window.hasRoom(limit: 5))
        #expect(!window.wantsItems(atHand: 0, waiting: 0))
        #expect(!window.isFinished(atHand: 7, waiting: 7))
        window.released()
        #expect(window.isFinished(atHand: 7, waiting: 7))
    }

    @Test func aLaterStopOnlyHurries() {
        var window = WindowMachine(waitingMax: 10)
        let (early, late) = (Instant(nanoseconds: 1), Instant(nanoseconds: 2))
        window.drain(deadline: nil)
        window.drain(deadline: late)
        #expect(window.phase == .draining(deadline: late))
        window.drain(deadline: early)
        window.drain(deadline: late)
        window.drain(deadline: nil)
        #expect(window.phase == .draining(deadline: early))
        window.cut()
        window.drain(deadline: late)
        #expect(window.phase == .cut)
    }

    @Test func pressureAndAFullDiskTakeAllRoom() {
        var window = WindowMachine(waitingMax: 10)
        window.isPressed = true
        #expect(!window.hasRoom(limit: 5))
        window.isPressed = false
        window.isOutOfSpace = true
        #expect(!window.hasRoom(limit: 5))
    }
}
