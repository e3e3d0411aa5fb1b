import Basics
import JSONText
import ModelAPI
import SegmentStore

/// The sums a store keeps over its records.
enum RecordTallies {
    static let names = [
        "prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens", "latency_ms", "truncated",
        "cost_nanousd", "failed_cost_nanousd",
    ]

    enum Place: Int {
        case prompt, completion, reasoning, cached, latency, truncated, cost
        /// What the answers of failed items have cost. All other places count successes alone.
        case failedCost
    }

    static func of(_ answer: ModelAnswer, latency: Interval, cost: Int?) -> Tallies {
        var tallies = Tallies()
        tallies[Place.prompt.rawValue] = UInt64(clamping: answer.usage.prompt)
        tallies[Place.completion.rawValue] = UInt64(clamping: answer.usage.completion)
        tallies[Place.reasoning.rawValue] = UInt64(clamping: answer.usage.reasoning)
        tallies[Place.cached.rawValue] = UInt64(clamping: answer.usage.cached)
        tallies[Place.cost.rawValue] = UInt64(clamping: cost ?? 0)
        tallies[Place.latency.rawValue] = UInt64(clamping: latency.milliseconds)
        tallies[Place.truncated.rawValue] = answer.finishReason == "length" ? 1 : 0
        return tallies
    }

    static func ofFailure(cost: Int?) -> Tallies {
        var tallies = Tallies()
        tallies[Place.failedCost.rawValue] = UInt64(clamping: cost ?? 0)
        return tallies
    }

    /// Reads the tallies back from a record's line, for a store that has to be indexed anew.
    static func recounter() -> @Sendable ([UInt8]) -> Tallies {
        let parser = Locked(JSONParser())
        return { line in
            var tallies = Tallies()
            parser.withLock { parser in
                guard let record = (try? parser.parse(line).root).map(RecordView.init) else { return }
                guard record.isSuccess else {
                    tallies = ofFailure(cost: record.cost)
                    return
                }
                tallies[Place.prompt.rawValue] = UInt64(clamping: record.usage(.prompt))
                tallies[Place.completion.rawValue] = UInt64(clamping: record.usage(.completion))
                tallies[Place.reasoning.rawValue] = UInt64(clamping: record.usage(.reasoning))
                tallies[Place.cached.rawValue] = UInt64(clamping: record.usage(.cached))
                tallies[Place.cost.rawValue] = UInt64(clamping: record.cost ?? 0)
                tallies[Place.latency.rawValue] = UInt64(clamping: record.integer(.latency))
                tallies[Place.truncated.rawValue] = record.isTruncated ? 1 : 0
            }
            return tallies
        }
    }
}
