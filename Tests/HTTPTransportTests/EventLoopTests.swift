import Basics
import Glibc
import HTTPTransport
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct EventLoopTests {
    @Test func runsTheTasksThatPreferIt() async throws {
        try await withLoop { loop in
            #expect(!loop.isCurrent)
            let sum = await withTaskExecutorPreference(loop) {
                await withTaskGroup(of: Int.self) { group in
                    for number in 1...1000 {
                        group.addTask { loop.isCurrent ? number : 0 }
                    }
                    return await group.reduce(0, +)
                }
            }
            #expect(sum == 500_500)
            #expect(loop.health.jobs >= 1000)
        }
    }

    @Test func seesAllThatIsReadyBeforeAnyTaskGoesOn() async throws {
        try await withLoop { loop in
            let firstCount = await withTaskExecutorPreference(loop) {
                await withTaskGroup(of: Void.self) { group in
                    let due = loop.now + .milliseconds(20)
                    let awake = Locked(0)
                    for _ in 0..<50 {
                        group.addTask {
                            try? await loop.sleep(until: due)
                            awake.withLock { $0 += 1 }
                        }
                    }
                    // When the first result is taken, the other sleepers of the same turn have all run.
                    await group.next()
                    return awake.withLock { $0 }
                }
            }
            #expect(firstCount == 50)
        }
    }

    @Test func takesWorkFromOtherThreads() async throws {
        try await withLoop { loop in
            let total = Locked(0)
            let threads = (0..<4).map { _ in
                startThread { for _ in 0..<1000 { loop.execute { total.withLock { $0 += 1 } } } }
            }
            for thread in threads { pthread_join(thread, nil) }
            await withUnsafeContinuation { continuation in loop.execute { continuation.resume() } }
            #expect(total.withLock { $0 } == 4000)
        }
    }

    @Test func sleepsUntilTheInstantAndNotMuchLonger() async throws {
        try await withLoop { loop in
            let due = loop.now + .milliseconds(30)
            try await loop.sleep(until: due)
            #expect(loop.now >= due)
            try await loop.sleep(until: due)  // It has passed: no wait at all.
            #expect(loop.health.timers == 2)
            #expect(loop.health.lagMax >= .zero)
        }
    }

    @Test func aCancelledSleepEndsAtOnce() async throws {
        try await withLoop { loop in
            let sleeper = Task { try await loop.sleep(until: loop.now + .seconds(3600)) }
            sleeper.cancel()
            await #expect(throws: CancellationError.self) { try await sleeper.value }
            let second = Task(executorPreference: loop) { try await loop.sleep(until: loop.now + .seconds(3600)) }
            await withUnsafeContinuation { continuation in loop.execute { continuation.resume() } }
            second.cancel()
            await #expect(throws: CancellationError.self) { try await second.value }
        }
    }

    @Test func timersFireInOrderUnlessCancelled() async throws {
        try await withLoop { loop in
            let fired: [Int] = await withUnsafeContinuation { continuation in
                loop.execute {
                    nonisolated(unsafe) var fired: [Int] = []
                    let start = loop.now
                    loop.schedule(at: start + .milliseconds(2)) { fired.append(2) }
                    loop.schedule(at: start + .milliseconds(1)) { fired.append(1) }
                    let cancelled = loop.schedule(at: start + .milliseconds(3)) { fired.append(3) }
                    loop.cancel(cancelled)
                    loop.schedule(at: start + .milliseconds(4)) { continuation.resume(returning: fired) }
                }
            }
            #expect(fired == [1, 2])
        }
    }

    @Test func leavesNothingHangingWhenItStops() async throws {
        let loop = try EventLoop()
        try loop.start()
        let isAsleep = AsyncStream<Void>.makeStream()
        let sleeper = Task(executorPreference: loop) {
            isAsleep.continuation.yield()
            try await loop.sleep(until: loop.now + .seconds(3600))
        }
        for await _ in isAsleep.stream { break }
        loop.stop()
        loop.stop()
        await #expect(throws: CancellationError.self) { try await sleeper.value }
        // Afterwards work is run elsewhere rather than lost.
        let late = Task(executorPreference: loop) { 7 }
        #expect(await late.value == 7)
        let ran = Locked(false)
        loop.execute { ran.withLock { $0 = true } }
        #expect(ran.withLock { $0 })
    }

    @Test func aTaskThatYieldsForEverDoesNotStarveTimers() async throws {
        try await withLoop { loop in
            let spinner = Task(executorPreference: loop) { while !Task.isCancelled { await Task.yield() } }
            try await loop.sleep(until: loop.now + .milliseconds(5))
            spinner.cancel()
            await spinner.value
        }
    }
}
