import Basics
import Glibc
import HTTPTransport
import ModelAPI

/// What a window of requests cost this process.
struct WindowCost {
    var wallSeconds: Double
    var cpuSeconds: Double
    var userSeconds: Double
    var failures: Int
}

/// `count` requests, `inFlight` of them at a time, each awaited by a child task that runs on the loop.
func runWindow(_ transport: HTTPTransport, on loop: EventLoop, count: Int, inFlight: Int) async -> WindowCost {
    let request = ModelRequest(path: "/chat/completions", body: Array(Servers.request.utf8))
    let before = rusage.own
    let start = Instant.now
    let failures = await withTaskExecutorPreference(loop) {
        await withTaskGroup(of: Bool.self) { group in
            var started = 0
            var failures = 0
            func add() {
                started += 1
                group.addTask {
                    if case .success(let reply) = await transport.send(request) { return reply.status == 200 }
                    return false
                }
            }
            while started < min(inFlight, count) { add() }
            while let isGood = await group.next() {
                if !isGood { failures += 1 }
                if started < count { add() }
            }
            return failures
        }
    }
    let wall = Instant.now - start
    let after = rusage.own
    return WindowCost(
        wallSeconds: wall.seconds, cpuSeconds: after.cpuSeconds - before.cpuSeconds,
        userSeconds: after.userSeconds - before.userSeconds, failures: failures)
}

extension rusage {
    var userSeconds: Double { Double(ru_utime.tv_sec) + Double(ru_utime.tv_usec) / 1e6 }
}

/// Resident memory of this process, in bytes.
func residentBytes() -> Int {
    let fields = readFile("/proc/self/statm").split(separator: " ")
    return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(getpagesize()) : 0
}
