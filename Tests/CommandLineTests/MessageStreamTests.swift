import Basics
import Foundation
import Testing

@testable import CommandLine

@Suite struct MessageStreamTests {
    init() { StandardStreams.ignoreBrokenPipes() }

    private func stream(_ pipe: TestPipe, _ progress: ProgressStyle = .none, _ palette: Palette = .plain)
        -> MessageStream
    {
        MessageStream(
            descriptor: pipe.writeEnd, terminal: Terminal(isTerminal: false, width: 60), palette: palette,
            progress: progress)
    }

    /// Lines longer than an atomic pipe write: two concurrent writers would interleave them.
    @Test func linesFromManyTasksStayWhole() async throws {
        let pipe = try TestPipe()
        let messages = stream(pipe)
        let line = String(repeating: "x", count: 20_000)
        let bytes = try await pipe.read {
            await withTaskGroup { group in
                for task in 0..<8 {
                    group.addTask { for index in 0..<25 { messages.line("\(task) \(index) \(line)") } }
                }
            }
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 200)
        #expect(lines.allSatisfy { $0.hasSuffix(" " + line) && $0.utf8.count < 20_010 })
        for task in 0..<8 {
            let own = lines.filter { $0.hasPrefix("\(task) ") }.map { $0.split(separator: " ")[1] }
            #expect(own == (0..<25).map { Substring(String($0)) })
        }
    }

    /// While one thread is blocked by a full pipe, the others continue: lines are queued, frames are dropped.
    @Test(.timeLimit(.minutes(1))) func aStuckStreamHoldsUpNobody() async throws {
        let pipe = try TestPipe()
        let filling = pipe.fill()
        let messages = stream(pipe, .line)
        let finished = AsyncStream<Void>.makeStream()
        Thread.detachNewThread {
            messages.line("first")
            finished.continuation.finish()
        }
        while !messages.isWriting { await Task.yield() }
        messages.line("second")
        for index in 0..<100 {
            let now = Instant(nanoseconds: 0) + .seconds(Double(index))
            messages.show(ProgressSnapshot(total: 100, done: index), now: now)
        }
        let bytes = try await pipe.read { for await _ in finished.stream {} }
        let text = String(decoding: bytes.dropFirst(filling), as: UTF8.self)
        #expect(text == "first\nsecond\n")
        #expect(!messages.isWriting)
    }

    @Test func aMessageClearsTheProgressLineAndItIsDrawnAgain() throws {
        let pipe = try TestPipe()
        let messages = stream(pipe, .line)
        let snapshot = ProgressSnapshot(total: 4, done: 1, rate: 2)
        messages.show(snapshot, now: Instant(nanoseconds: 0))
        messages.line("a word")
        messages.finish(ProgressSnapshot(total: 4, done: 4), now: Instant(nanoseconds: 1))
        let clear = "\r\u{1B}[K"
        let before = "[####------------] 1/4 (25.0%), 2.00 items/s; 0 in flight"
        let after = "[################] 4/4 (100.0%)"
        #expect(pipe.text() == clear + before + clear + "a word\n" + before + clear + after + "\n")
    }

    @Test func errorsAreReportedOnOneLine() throws {
        let pipe = try TestPipe()
        let messages = stream(pipe, .none, .colored)
        messages.report(
            RetortError(.badInput, "not JSON", at: "in.jsonl:7:3", cause: "bad\u{1B}[2J\nbyte", remedy: "Mend it."),
            from: "still")
        messages.report(RetortError.brokenPipe, from: "still")
        #expect(pipe.text() == "\u{1B}[31mstill:\u{1B}[0m in.jsonl:7:3: not JSON: bad [2J byte. Mend it.\n")
    }

    @Test func aLostStreamIsNoError() throws {
        let pipe = try TestPipe()
        let messages = stream(pipe)
        pipe.close(pipe.readEnd)
        messages.line("nobody hears this")
        messages.line("nor this")
    }

    @Test func theBodysErrorBecomesTheStatus() async throws {
        let pipe = try TestPipe()
        let messages = stream(pipe)
        let fine = await StandardStreams.run("still", messages: messages) { .incomplete }
        let broken = await StandardStreams.run("still", messages: messages) { throw RetortError.brokenPipe }
        let usage = await StandardStreams.run("still", messages: messages) { throw RetortError(.usage, "no") }
        let other = await StandardStreams.run("still", messages: messages) { throw CancellationError() }
        #expect([fine, broken, usage, other] == [.incomplete, .ok, .usage, .io])
        #expect(pipe.text() == "still: no\nstill: CancellationError()\n")
    }
}
