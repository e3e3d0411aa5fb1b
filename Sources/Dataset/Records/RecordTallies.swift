package import Basics
import JSONText
package import ModelAPI
package import SegmentStore

/// The sums that a store keeps over its records.
package enum RecordTallies {
    package static let names = [
        "prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens", "latency_ms", "truncated",
        "cost_nanousd", "failed_cost_nanousd",
    ]

    package enum Place: Int {
        case prompt, completion, reasoning, cached, latency, truncated, cost
        /// For failures: the cost of their answers. For responses: the part of `cost` that a record in `rounds/` states
        /// too. The store's list of names keeps the name from when only failures used it.
        case besides
    }

    /// - Parameter isInRounds: whether a record in `rounds/` states the answer's cost.
    package static func of(_ answer: ModelAnswer, latency: Interval, cost: Int?, isInRounds: Bool = false) -> Tallies {
        var tallies = Tallies()
        tallies[Place.prompt.rawValue] = UInt64(clamping: answer.usage.prompt)
        tallies[Place.completion.rawValue] = UInt64(clamping: answer.usage.completion)
        tallies[Place.reasoning.rawValue] = UInt64(clamping: answer.usage.reasoning)
        tallies[Place.cached.rawValue] = UInt64(clamping: answer.usage.cached)
        tallies[Place.cost.rawValue] = UInt64(clamping: cost ?? 0)
        if isInRounds { tallies[Place.besides.rawValue] = UInt64(clamping: cost ?? 0) }
        tallies[Place.latency.rawValue] = UInt64(clamping: latency.milliseconds)
        tallies[Place.truncated.rawValue] = answer.finishReason == "length" ? 1 : 0
        return tallies
    }

    package static func ofFailure(cost: Int?) -> Tallies {
        var tallies = Tallies()
        tallies[Place.besides.rawValue] = UInt64(clamping: cost ?? 0)
        return tallies
    }

    package static func ofRound(cost: Int?) -> Tallies {
        var tallies = Tallies()
        tallies[Place.cost.rawValue] = UInt64(clamping: cost ?? 0)
        return tallies
    }

    /// A sum over the store by its index in the list of names.
    package static func sum(_ number: Int, in counters: StoreCounters) -> UInt64 {
        counters.tallies(of: number == Place.besides.rawValue ? .failures : .responses)[number]
    }

    /// Recomputes the tallies from a record's line, for a store whose index is rebuilt.
    package static func recounter() -> @Sendable ([UInt8]) -> Tallies {
        let parser = Locked(JSONParser())
        return { line in
            var tallies = Tallies()
            parser.withLock { parser in
                guard let record = (try? parser.parse(line).root).map(RecordView.init) else { return }
                guard record.isSuccess else {
                    tallies = record.isRound ? ofRound(cost: record.cost) : ofFailure(cost: record.cost)
                    return
                }
                tallies[Place.prompt.rawValue] = UInt64(clamping: record.usage(.prompt))
                tallies[Place.completion.rawValue] = UInt64(clamping: record.usage(.completion))
                tallies[Place.reasoning.rawValue] = UInt64(clamping: record.usage(.reasoning))
                tallies[Place.cached.rawValue] = UInt64(clamping: record.usage(.cached))
                tallies[Place.cost.rawValue] = UInt64(clamping: record.cost ?? 0)
                if record.isInRounds { tallies[Place.besides.rawValue] = UInt64(clamping: record.cost ?? 0) }
                tallies[Place.latency.rawValue] = UInt64(clamping: record.integer(.latency))
                tallies[Place.truncated.rawValue] = record.isTruncated ? 1 : 0
            }
            return tallies
        }
    }
}
