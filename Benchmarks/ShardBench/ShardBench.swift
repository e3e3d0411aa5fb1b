import Basics
import Glibc
import SegmentStore
import SharedLimit

/// `shard-bench [ROWS] [SHARDS]`: how evenly the hash of the keys divides so many rows, and what a limiter has to do for
/// so many runs. Nothing is sent and nothing is written.
@main
enum ShardBench {
    static func main() {
        let rows = argument(1) ?? 10_000_000
        let shards = argument(2) ?? 1000
        guard (1...Shard.countMax).contains(shards), rows > 0 else {
            print("usage: shard-bench [ROWS] [SHARDS]")
            exit(64)
        }
        balance(rows, shards)
        limiter(shards)
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
            // Each asks four times a second.
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
