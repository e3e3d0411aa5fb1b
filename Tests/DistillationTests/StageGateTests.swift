import Basics
import ModelAPI
import Testing

@testable import Dataset
@testable import Distillation

@Suite("The window that stages share")
struct StageGateTests {
    @Test("Never more than the limit are inside, and the later stage goes first", .timeLimit(.minutes(1)))
    func limit() async {
        let gate = StageGate([0: 3, 1: 2], stages: 2)
        let inside = Locked((now: 0, most: 0))
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<200 {
                group.addTask {
                    guard await gate.enter(stage: number % 2) else { return }
                    inside.withLock { inside in
                        inside.now += 1
                        inside.most = max(inside.most, inside.now)
                    }
                    await Task.yield()
                    inside.withLock { $0.now -= 1 }
                    gate.leave()
                }
            }
        }
        #expect(inside.withLock { $0.now } == 0)
        #expect((1...3).contains(inside.withLock { $0.most }))
        // All room is free again.
        for _ in 0..<3 { #expect(await gate.enter(stage: 0)) }
    }

    @Test("A wider window lets those in that wait, a smaller one waits until enough have left", .timeLimit(.minutes(1)))
    func resized() async {
        let gate = StageGate([0: 1, 1: 1], stages: 2)
        #expect(await gate.enter(stage: 0))
        let waiting = Task { await gate.enter(stage: 1) }
        gate.set(2, stage: 1)
        #expect(await waiting.value)
        // The largest window of a stage applies to all.
        gate.set(1, stage: 1)
        let next = Task { await gate.enter(stage: 0) }
        gate.leave()
        gate.leave()
        #expect(await next.value)
        let last = Task { await gate.enter(stage: 0) }
        last.cancel()
        #expect(await last.value == false)
    }

    @Test("A task that is cancelled while it waits takes no room", .timeLimit(.minutes(1)))
    func cancelled() async {
        let gate = StageGate([0: 1], stages: 1)
        #expect(await gate.enter(stage: 0))
        let waiting = Task { await gate.enter(stage: 0) }
        waiting.cancel()
        #expect(await waiting.value == false)
        gate.leave()
        #expect(await gate.enter(stage: 0))
    }
}
