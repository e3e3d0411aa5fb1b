import Basics
import Glibc
import ModelAPI
import ResponseGenerator

/// What the engine itself costs: a transport that answers from memory, at once or after a sleep.
@main struct EngineBench {
    static func main() async {
        let loop = LoopExecutor()
        print("| window | items | wall s | ideal s | CPU ns an item | CPU % |")
        print("| --- | --- | --- | --- | --- | --- |")
        await measure("TaskGroup alone, 64", items: 500_000) { await bareGroup(loop, 500_000, 64) }
        await measure("send and classify alone", items: 500_000) { await bareAttempts(loop, 500_000) }
        for concurrency in [64, 1000] {
            await measure("at once, \(concurrency)", items: 500_000) {
                await run(500_000, concurrency, MemoryTransport(loop: loop, latency: nil), loop)
            }
        }
        for concurrency in [64, 1000] {
            await measure("after 1 ms, \(concurrency)", items: 200_000) {
                await run(200_000, concurrency, MemoryTransport(loop: loop, latency: .milliseconds(1)), loop)
            }
        }
        await measure("sleeps of 50 ms, one by one", items: 100, ideal: 5.0) { await sleeps(loop, 100) }
        await measure("50 ms, 20", items: 2000, ideal: 5.0) {
            await run(2000, 20, MemoryTransport(loop: loop, latency: .milliseconds(50)), loop)
        }
        loop.stop()
    }

    static func run(_ items: Int, _ concurrency: Int, _ transport: MemoryTransport, _ loop: LoopExecutor) async {
        var configuration = GeneratorConfiguration()
        configuration.concurrency = concurrency
        configuration.itemsTotal = items
        do {
            let generator = try ResponseGenerator<Int>(configuration, transport: transport, executor: loop)
            let summary = await generator.run(source: Source(items), sink: Sink())
            precondition(summary.progress.answered == items)
        } catch {
            fatalError("\(error)")
        }
    }

    static func bareGroup(_ loop: LoopExecutor, _ items: Int, _ window: Int) async {
        await withTaskExecutorPreference(loop) {
            await withTaskGroup(of: Int.self) { group in
                for item in 0..<window { group.addTask { item } }
                for item in window..<items {
                    _ = await group.next()
                    group.addTask { item }
                }
            }
        }
    }

    /// How late the machine's own timers are.
    static func sleeps(_ loop: LoopExecutor, _ count: Int) async {
        await withTaskExecutorPreference(loop) {
            for _ in 0..<count { await loop.sleep(.milliseconds(50)) }
        }
    }

    static func bareAttempts(_ loop: LoopExecutor, _ items: Int) async {
        let transport = MemoryTransport(loop: loop, latency: nil)
        await withTaskExecutorPreference(loop) {
            let classify = Classifying()
            for _ in 0..<items {
                classify.take(await transport.send(ModelRequest(path: "/chat/completions", body: [])))
            }
        }
    }

    static func measure(_ name: String, items: Int, ideal: Double? = nil, _ work: () async -> Void) async {
        let (start, cpu) = (Instant.now, cpuSeconds())
        await work()
        let (wall, used) = ((Instant.now - start).seconds, cpuSeconds() - cpu)
        let columns = [
            name, "\(items)", decimal(wall, 3), ideal.map { decimal($0, 3) } ?? "", "\(Int(used * 1e9) / items)",
            decimal(100 * used / wall, 1),
        ]
        print("| \(columns.joined(separator: " | ")) |")
    }

    static func cpuSeconds() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    static func decimal(_ value: Double, _ places: Int) -> String {
        let scale = pow(10, Double(places))
        let digits = String(Int((value * scale).rounded()))
        let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
        return "\(padded.dropLast(places)).\(padded.suffix(places))"
    }
}
