import Basics
import Testing

@testable import ResponseGenerator

@Suite struct TimeSpreadTests {
    @Test func quantilesAreOffByATenthAtMost() throws {
        var spread = TimeSpread()
        #expect(spread.quantile(0.5) == nil)
        for milliseconds in 1...1000 { spread.add(.milliseconds(Int64(milliseconds))) }
        for (share, time) in [(0.5, 500.0), (0.95, 950), (0.99, 990)] {
            let found = try #require(spread.quantile(share)).seconds * 1000
            #expect(found >= time && found <= time * 1.1, "\(share): \(found)")
        }
        spread.add(.seconds(1e9))
        spread.add(.zero)
        #expect(spread.count == 1002 && spread.quantile(1) != nil)
    }
}
