import Basics
import Testing

@testable import ModelSimulator

@Suite struct FaultPlanTests {
    @Test func readsRatesAndOutages() throws {
        let plan = try FaultPlan(parsing: "429=0.02,hang=0.1%,down=20s@5s,insufficient-quota=0")
        #expect(plan.rates == [.init(.rateLimited, 0.02), .init(.hang, 0.001), .init(.insufficientQuota, 0)])
        #expect(plan.outages == [.init(start: .seconds(5), length: .seconds(20))])
        #expect(try FaultPlan(parsing: "") == .none)
    }

    @Test(arguments: Fault.allCases)
    func everyFaultHasAName(fault: Fault) throws {
        #expect(try FaultPlan(parsing: "\(fault.rawValue)=1").rates == [.init(fault, 1)])
        #expect(try FaultPlan.script(parsing: "2=\(fault.rawValue)") == [.init(2...2, fault)])
    }

    @Test(arguments: [
        ("429=0.02,boom=1", "boom"), ("500", "500"), ("500=", "500="), ("=1", "=1"), ("500=x", "x"), ("500=1.5", "1.5"),
        ("500=-1", "-1"), ("500=nan", "nan"), ("down=20s", "20s"), ("down=20@5s", "20@5s"),
        ("down=1e300s@1s", "1e300s@1s"), ("500=0.1,", "\"\""),
    ])
    func namesThePartItCannotRead(specification: String, part: String) {
        #expect {
            try FaultPlan(parsing: specification)
        } throws: { error in
            guard let error = error as? RetortError else { return false }
            return error.code == .configuration && error.message.contains(part) && error.remedy != nil
        }
    }

    @Test func refusesMoreThanEverything() throws {
        #expect(throws: RetortError.self) { try FaultPlan(parsing: "500=0.6,429=0.5") }
        let tenTenths = Fault.allCases.prefix(10).map { "\($0.rawValue)=0.1" }.joined(separator: ",")
        #expect(try FaultPlan(parsing: tenTenths).rates.count == 10)
    }

    @Test func readsScripts() throws {
        let steps = try FaultPlan.script(parsing: "1=500,3-5=hang")
        #expect(steps == [.init(1...1, .internalError), .init(3...5, .hang)])
        for bad in ["0=500", "5-3=500", "x=500", "1-=500", "1=nothing", "1"] {
            #expect(throws: RetortError.self, "\(bad)") { try FaultPlan.script(parsing: bad) }
        }
    }

    @Test func theScriptOverrulesTheRates() {
        var plan = FaultPlan()
        plan.rates = [.init(.unavailable, 1)]
        plan.script = [.init(2...3, .stall)]
        #expect(
            (1...4).map { plan.fault(item: 7, attempt: $0, seed: 1) } == [.unavailable, .stall, .stall, .unavailable])
    }

    @Test func ratesHoldAndRepeat() throws {
        let plan = try FaultPlan(parsing: "429=0.2,500=0.05")
        let drawn = (0..<20_000).map { plan.fault(item: UInt64($0), attempt: 1, seed: 1) }
        let again = (0..<20_000).reversed().map { plan.fault(item: UInt64($0), attempt: 1, seed: 1) }
        #expect(drawn == again.reversed())
        // Six standard deviations of the binomial are 0.017 and 0.0093.
        #expect(abs(Double(drawn.count { $0 == .rateLimited }) / 20_000 - 0.2) < 0.017)
        #expect(abs(Double(drawn.count { $0 == .internalError }) / 20_000 - 0.05) < 0.0093)
    }

    @Test func attemptsAndSeedsAreDrawnApart() throws {
        let plan = try FaultPlan(parsing: "500=0.5")
        let first = (0..<64).map { plan.fault(item: $0, attempt: 1, seed: 1) }
        #expect(first != (0..<64).map { plan.fault(item: $0, attempt: 2, seed: 1) })
        #expect(first != (0..<64).map { plan.fault(item: $0, attempt: 1, seed: 2) })
    }

    @Test func outagesHaveBeginningsAndEnds() throws {
        let plan = try FaultPlan(parsing: "down=2s@1s,down=1s@10s")
        let times = [0, 1, 2.999, 3, 9.9, 10.5, 11].map { Interval.seconds($0) }
        #expect(times.map(plan.isDown) == [false, true, true, false, false, true, false])
        #expect(plan.nextChange(after: .zero) == .seconds(1))
        #expect(plan.nextChange(after: .seconds(1)) == .seconds(3))
        #expect(plan.nextChange(after: .seconds(3)) == .seconds(10))
        #expect(plan.nextChange(after: .seconds(11)) == nil)
    }
}
