import Basics
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Reporting

@Suite struct ReportingWatchTests {
    private func second(_ count: Double) -> Instant { Instant(nanoseconds: 0) + .seconds(count) }

    @Test func paceIsThatOfTheLastLooks() {
        var pace = WatchPace()
        #expect(pace.add(100, at: second(0)) == nil)
        #expect(pace.add(120, at: second(2)) == 10)
        for look in 1...WatchPace.looksMax {
            _ = pace.add(120 + 4 * look, at: second(2 + 2 * Double(look)))
        }
        let end = Double(WatchPace.looksMax + 1)
        #expect(pace.add(124 + 4 * WatchPace.looksMax, at: second(2 + 2 * end)) == 2)
    }

    @Test func twoLooksAtOnceGiveNoPace() {
        var pace = WatchPace()
        _ = pace.add(1, at: second(1))
        #expect(pace.add(2, at: second(1)) == nil)
    }

    @Test func theCursorGoesBackByWhatWasDrawn() {
        var lines = RedrawnLines(width: 10)
        #expect(lines.draw(["a", "b"]) == "a\nb\n")
        #expect(lines.draw(["c"]) == "\u{1B}[2A\u{1B}[Jc\n")
        #expect(lines.draw(["0123456789", "bell\u{7}"]) == "\u{1B}[1A\u{1B}[J01234567…\nbell \n")
    }

    @Test func aClosedStoreHasNoWriter() throws {
        let store = try ReportingStore(rows: 1)
        try store.store.close()
        let status = try StoreStatus(store.root)
        #expect(status.writer == nil)
        #expect(status.pending == 1)
    }
}
