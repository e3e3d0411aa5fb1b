import Basics
import CommandLine
import ModelAPI
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation
@testable import ResponseGenerator

@Suite struct RunConclusionTests {
    private func conclusion(
        _ ending: RunSummary.Ending = .completed, error: RetortError? = nil, done: Int, failed: Int = 0,
        earlier: Int = 0, total: UInt64?, wasInterrupted: Bool = false, disorderlyServer: String? = nil
    ) throws -> RunConclusion {
        var progress = Progress()
        progress.requests = done + failed - earlier
        progress.elapsed = .seconds(2)
        progress.usage = TokenUsage(prompt: 1000, completion: 20)
        var counters = StoreCounters()
        (counters.done, counters.failed) = (UInt64(done), UInt64(failed))
        counters.failedByClass[RecordCodec.failureClasses.firstIndex(of: "timeout")!] = UInt64(failed)
        var before = StoreCounters()
        before.done = UInt64(earlier)
        let standing = RunStanding(
            progress, .init(), counters, before: before, input: .sole(RowLedger()), rows: total, samples: 1)
        let summary = RunSummary(ending: ending, error: error, progress: progress, unsaved: 0)
        return RunConclusion(
            .init(
                summary: summary, standing: standing, counters: counters, spending: Spending(), simulatorCounts: nil,
                wasInterrupted: wasInterrupted, disorderlyServer: disorderlyServer),
            settings: try settings("in", "--out", "runs/my run", "--simulate"), commandLine: "retort run in")
    }

    private let plain = Palette(.never, isTerminal: false, environment: [:])

    @Test func everythingDone() throws {
        let conclusion = try conclusion(done: 1200, total: 1200)
        #expect(conclusion.exitCode == .ok)
        #expect(
            conclusion.lines(plain) == [
                "Finished: every item has its answer.",
                "  done      1,200 of 1,200 items",
                "  requests  1,200 in 2s, 600/s",
                "  tokens    1,000 in, 20 out",
                "  answers   zcat 'runs/my run'/responses/*.jsonl.gz | head",
                "  status    retort status 'runs/my run'",
            ])
    }

    @Test func namesAServerThatSendsMoreThanItIsAskedFor() throws {
        let lines = try conclusion(done: 2, total: 2, disorderlyServer: "h:80").lines(plain)
        #expect(
            lines.contains(
                "  server    h:80 sends bytes that were not requested, so its connections are not reused"))
        #expect(try !conclusion(done: 2, total: 2).lines(plain).contains { $0.contains("not requested") })
    }

    @Test func someFailed() throws {
        let conclusion = try conclusion(done: 2, failed: 1, earlier: 1, total: 3)
        #expect(conclusion.exitCode == .incomplete)
        let lines = conclusion.lines(plain)
        #expect(lines[0] == "Finished, but 1 item failed.")
        #expect(lines.contains("  done      2 of 3 items; 1 outcome from earlier runs"))
        #expect(lines.contains("  failed    1 (timeout)"))
        #expect(lines.contains("  failures  retort cat 'runs/my run' --failures"))
    }

    @Test func nothingToDo() throws {
        let empty = try conclusion(done: 0, total: 0)
        #expect(empty.lines(plain)[0] == "Finished: the input holds no rows." && empty.exitCode == .ok)
        let again = try conclusion(done: 5, earlier: 5, total: 5)
        #expect(again.lines(plain).contains("  requests  none sent"))
    }

    @Test func interruptedOrStopped() throws {
        let interrupted = try conclusion(.stopped, done: 2, total: 3, wasInterrupted: true)
        #expect(interrupted.exitCode == .interrupted)
        #expect(interrupted.lines(plain)[0] == "Interrupted: 1 item left.")
        #expect(interrupted.lines(plain).last == "resume with: retort run in")
        let unknown = try conclusion(.stopped, done: 2, total: nil, wasInterrupted: true)
        #expect(unknown.lines(plain)[0] == "Interrupted.")
        let error = RetortError(.refused, "no such model")
        let refused = try conclusion(.failed, error: error, done: 0, total: 3)
        #expect(refused.exitCode == .refused && refused.error == error)
        #expect(refused.lines(plain)[0] == "Stopped by an error: 3 items left.")
    }

    @Test func theInputStandsApartFromTheStore() {
        var progress = Progress()
        (progress.answered, progress.failed) = (4, 1)
        var reading = PlannedSource.Reading()
        reading.findings = .init(done: 10, failed: 2, changed: 0, bad: 3)
        var counters = StoreCounters()
        (counters.done, counters.failed) = (30, 8)
        var standing = RunStanding(
            progress, reading, counters, before: counters, input: .mixed(isNew: true), rows: 20, samples: 1)
        #expect(standing.pending == nil && standing.foreign == 0)
        reading.isComplete = true
        standing = RunStanding(
            progress, reading, counters, before: counters, input: .mixed(isNew: true), rows: 20, samples: 1)
        #expect(standing.done == 14 && standing.failed == 6 && standing.earlier == 12)
        #expect(standing.total == 20 && standing.pending == 0 && standing.foreign == 18)
    }
}
