import Basics
import Glibc
import SegmentStore
import SharedLimit

/// `shard-bench [ROWS] [SHARDS]`: how evenly the hash of the keys divides so many rows, and what a limiter has to do for
/// so many runs. Nothing is sent and nothing is written.
@main
enum ShardBench {
    static func main() throws {
        let rows = argument(1) ?? 10_000_000
        let shards = argument(2) ?? 1000
        guard (1...Shard.countMax).contains(shards), rows > 0 else {
            print("usage: shard-bench [ROWS] [SHARDS]")
            exit(64)
        }
        balance(rows, shards)
        limiter(shards)
        try decisions()
    }

    private static func argument(_ index: Int) -> Int? {
        CommandLine.arguments.indices.contains(index) ? Int(CommandLine.arguments[index]) : nil
    }

    private static func balance(_ rows: Int, _ shards: Int) {
        var counts = [Int](repeating: 0, count: shards)
        let began = Instant.now
        for row in 0..<rows { counts[Shard.number(of: Shard.hash(of: Array("row-\(row)".utf8)), in: shards) - 1] += 1 }
        let seconds = (Instant.now - began).seconds
        let mean = Double(rows) / Double(shards)
        let (least, most) = (Double(counts.min() ?? 0), Double(counts.max() ?? 0))
        let variance = counts.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(shards)
        print(
            "rows \(rows), shards \(shards): mean \(mean), least \(percent(least, mean)), most \(percent(most, mean))")
        print("  standard deviation \(variance.squareRoot()), of a fair division \(mean.squareRoot())")
        print("  \(Int(seconds / Double(rows) * 1e9)) ns a row, its name and its hash")
    }

    private static func percent(_ value: Double, _ mean: Double) -> String {
        "\(((value / mean - 1) * 100_000).rounded() / 1000)%"
    }

    /// What a run's thread spends on the decision whether a request may go, with a limiter on loopback that leases ahead.
    private static func decisions() throws {
        let server = try LimitServer(LimitTerms(requestsPerSecond: 200_000), host: "127.0.0.1", port: "0")
        let ended = Monitor(false)
        WorkThread.start {
            try? server.run()
            ended.update { $0 = true }
        }
        let client = try LimitClient(try LimitAddress("127.0.0.1:\(server.port)"), token: "", fileTerms: LimitTerms())
        client.start(client: "bench", spentMax: 0) { _ in }
        var (taken, asked, waits) = (0, 0, 0)
        let end = Instant.now + .seconds(4)
        var spent = 0.0
        while Instant.now < end {
            let began = threadSeconds()
            var isWaiting = false
            for _ in 0..<100 {
                let now = Instant.now
                asked += 1
                guard let due = client.ready(tokens: 0, at: now), due <= now else {
                    isWaiting = true
                    break
                }
                client.take(tokens: 0, at: now)
                taken += 1
            }
            spent += threadSeconds() - began
            if isWaiting {
                waits += 1
                usleep(200)
            }
        }
        client.finish(spentMax: nil)
        server.stop()
        ended.wait { $0 ? () : nil }
        print("decisions: \(taken) requests allowed, \(asked) decisions, \(waits) waits")
        print("  \(Int(spent / Double(asked) * 1e9)) ns of CPU time a decision")
    }

    private static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Ten seconds of the limiter's time, with all runs asking as often as they may.
    private static func limiter(_ clients: Int) {
        let start = Instant(nanoseconds: 1_000_000_000)
        var book = LeaseBook(
            LimitTerms(requestsPerSecond: 50_000, moneyMax: 1 << 50), epoch: 1, isRestart: false, at: start)
        let names = (0..<clients).map { "store-\($0)" }
        var (leases, requests) = (0, 0)
        let began = Instant.now
        for millisecond in 0..<10_000 {
            let now = start + .milliseconds(Int64(millisecond))
            // Each sends four requests per second.
            for index in stride(from: millisecond % 250, to: clients, by: 250) {
                let ask = LeaseRequest(client: names[index], requests: 1000, moneyWanted: 1000, moneyNeeded: 1)
                requests += book.lease(ask, at: now).requests
                leases += 1
            }
        }
        let seconds = (Instant.now - began).seconds
        print("limiter: \(leases) leases in 10 s for \(clients) runs, \(requests) requests of 500000")
        print("  \(Int(seconds / Double(leases) * 1e9)) ns a lease: \(seconds * 10)% of one core")
    }
}
