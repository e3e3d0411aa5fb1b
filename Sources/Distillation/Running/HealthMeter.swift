package import Basics
package import CommandLine
import Glibc
package import HTTPTransport

/// Measures this process from time to time. Any thread.
package final class HealthMeter: Sendable {
    /// Rates are averages over at least this interval.
    private static let interval = Interval.seconds(1)

    private struct Reading {
        var at: Instant
        var requests = 0
        var cpuSeconds = 0.0
        var health: RunHealth
    }

    private let loop: EventLoop
    private let last: Locked<Reading>

    package init(_ loop: EventLoop) {
        self.loop = loop
        last = Locked(
            Reading(
                at: .now, cpuSeconds: ProcessCost.now.cpuSeconds,
                health: RunHealth(requestRate: 0, cpuShare: 0, residentBytes: 0, loopLag: .zero)))
    }

    /// The current state, when `requests` have returned so far.
    package func read(requests: Int, at now: Instant) -> RunHealth {
        last.withLock { last in
            let seconds = (now - last.at).seconds
            // The first values come early; after that each is an average over the interval.
            if now - last.at >= Self.interval || last.health.residentBytes == 0 {
                let cpu = ProcessCost.now.cpuSeconds
                let span = max(seconds, 1e-3)
                let health = RunHealth(
                    requestRate: Double(requests - last.requests) / span, cpuShare: (cpu - last.cpuSeconds) / span,
                    residentBytes: Self.residentBytes, loopLag: loop.health.lagMax)
                last = Reading(at: now, requests: requests, cpuSeconds: cpu, health: health)
            }
            return last.health
        }
    }

    /// The second number of `/proc/self/statm`, in pages (proc(5)).
    private static var residentBytes: Int {
        guard let file = fopen("/proc/self/statm", "r") else { return ProcessCost.now.residentBytesMax }
        defer { fclose(file) }
        var line = [UInt8](repeating: 0, count: 128)
        let count = fread(&line, 1, line.count, file)
        let words = String(decoding: line.prefix(count), as: UTF8.self).split(separator: " ")
        guard words.count > 1, let pages = Int(words[1]) else { return ProcessCost.now.residentBytesMax }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }
}

/// Resources used by this process so far.
package struct ProcessCost: Sendable, Hashable {
    /// User and system time.
    package var cpuSeconds: Double
    /// Peak resident memory.
    package var residentBytesMax: Int

    package static var now: ProcessCost {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return ProcessCost(
            cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
            residentBytesMax: residentBytesMaxOfImage ?? usage.ru_maxrss * 1024)
    }

    /// `VmHWM` in `/proc/self/status` (proc(5)), in bytes. `ru_maxrss` would include the parent's memory between fork
    /// and exec.
    private static var residentBytesMaxOfImage: Int? {
        guard let file = fopen("/proc/self/status", "r") else { return nil }
        defer { fclose(file) }
        var text = [UInt8](repeating: 0, count: 4096)
        let count = fread(&text, 1, text.count, file)
        // As bytes: the run reads it every second, and by characters that took 0.6 million instructions.
        let line = text.prefix(count).split(separator: 0x0A).first { $0.starts(with: "VmHWM:".utf8) }
        let digits = line?.drop { $0 &- 0x30 >= 10 }.prefix { $0 &- 0x30 < 10 }
        return digits.flatMap { Int(String(decoding: $0, as: UTF8.self)) }.flatMap { $0 < 1 << 40 ? $0 * 1024 : nil }
    }
}
