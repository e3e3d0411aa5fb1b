import Basics
import Foundation
import TestSupport
import Testing

/// Generator, planner, recorder, books and store in one process, under one seed: see `WholeLife`.
///
/// `RETORT_WHOLE_SEED=N` repeats one seed; `RETORT_WHOLE_SEEDS=N` runs this many, from a random one.
@Suite struct WholeTests {
    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    /// Number of seeds by default, and of the parts that run in parallel.
    private static let seedsUsual: UInt64 = 120
    static let parts: UInt64 = 2
    static let count = number("RETORT_WHOLE_SEED") != nil ? 1 : number("RETORT_WHOLE_SEEDS") ?? seedsUsual
    static let first: UInt64 =
        number("RETORT_WHOLE_SEED")
        ?? (number("RETORT_WHOLE_SEEDS") == nil ? 1 : UInt64.random(in: 1...UInt64(UInt32.max)))

    @Test(arguments: 0..<parts)
    func theBooksAddUpAndNothingIsLostOrPaidTwice(part: UInt64) throws {
        let begun = Instant.now
        var (runs, lives, deaths, requests) = (0, 0, 0, 0)
        var failed = 0
        for number in stride(from: part, to: Self.count, by: Int(Self.parts)) {
            let seed = Self.first &+ number
            var world = try WholeWorld(seed: seed)
            let report = world.run()
            runs += 1
            lives += report.lives
            deaths += report.deaths
            requests += report.requests
            if Self.count == 1 {
                print("seed \(seed): trace \(report.trace), \(report.lives) lives, \(report.requests) requests")
            }
            guard !report.faults.isEmpty else { continue }
            Issue.record("RETORT_WHOLE_SEED=\(seed): \(report.faults.joined(separator: "; "))")
            failed += 1
            if failed == 10 { break }
        }
        let seconds = (Instant.now - begun).seconds
        print(
            "seeds from \(Self.first): \(runs) jobs, \(lives) lives, \(deaths) deaths, \(requests) requests in \(seconds) s"
        )
        #expect(Self.count < 100 || deaths > runs / 4)
    }

    /// Faults between the generator and the store show up within a few seeds.
    @Test(arguments: WholeSabotage.allCases)
    func theAuditSees(sabotage: WholeSabotage) throws {
        for seed in UInt64(1)...40 {
            var world = try WholeWorld(seed: seed, sabotage: sabotage)
            if !world.run().faults.isEmpty { return }
        }
        Issue.record("40 jobs with \(sabotage) look right")
    }

    @Test(arguments: [3, 17, 171] as [UInt64])
    func aSeedReplaysExactly(seed: UInt64) throws {
        var (first, second) = (try WholeWorld(seed: seed), try WholeWorld(seed: seed))
        #expect(first.run().trace == second.run().trace)
    }
}
