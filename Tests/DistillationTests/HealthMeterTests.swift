import Basics
import CommandLine
import HTTPTransport
import Testing

@testable import Dataset
@testable import Distillation

@Suite struct HealthMeterTests {
    @Test func ratesAreThoseOfAWhile() throws {
        let loop = try EventLoop()
        let start = Instant.now
        let meter = HealthMeter(loop)
        let first = meter.read(requests: 0, at: start + .milliseconds(100))
        #expect(first.residentBytes > 1 << 20)
        // Too soon for another reading.
        #expect(meter.read(requests: 90, at: start + .milliseconds(200)) == first)
        let second = meter.read(requests: 400, at: start + .milliseconds(2100))
        #expect(second.requestRate == 200)
        #expect(second.cpuShare >= 0)
    }

    @Test func theCostOfTheProcessGrows() {
        let before = ProcessCost.now
        var sum = 0
        while ProcessCost.now.cpuSeconds == before.cpuSeconds { sum &+= 1 }
        #expect(ProcessCost.now.cpuSeconds > before.cpuSeconds)
        #expect(before.residentBytesMax > 1 << 20)
    }
}
