import Basics
import JSONText
import ModelAPI
import SegmentStore

/// The sums a store keeps over its records.
enum RecordTallies {
    static let names = [
        "prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens", "latency_ms", "truncated",
        "cost_nanousd",
    ]

    enum Place: Int {
        case prompt, completion, reasoning, cached, latency, truncated, cost
    }

    static func of(_ answer: ModelAnswer, latency: Interval, price: TokenPrice?) -> Tallies {
        var tallies = Tallies()
        tallies[Place.prompt.rawValue] = UInt64(clamping: answer.usage.prompt)
        tallies[Place.completion.rawValue] = UInt64(clamping: answer.usage.completion)
        tallies[Place.reasoning.rawValue] = UInt64(clamping: answer.usage.reasoning)
        tallies[Place.cached.rawValue] = UInt64(clamping: answer.usage.cached)
        tallies[Place.latency.rawValue] = UInt64(clamping: latency.milliseconds)
        tallies[Place.truncated.rawValue] = answer.finishReason == "length" ? 1 : 0
        tallies[Place.cost.rawValue] = UInt64(clamping: price?.nanodollars(of: answer.usage) ?? 0)
        return tallies
    }

    /// Reads the tallies back from a record's line, for a store that has to be indexed anew.
    static func recounter() -> @Sendable ([UInt8]) -> Tallies {
        let parser = Locked(JSONParser())
        return { line in
            var tallies = Tallies()
            parser.withLock { parser in
                guard let root = try? parser.parse(line).root, root["status"]?.string == "ok" else { return }
                let usage = root["usage"]
                func number(_ value: JSONValue?) -> UInt64 { UInt64(clamping: value?.int ?? 0) }
                tallies[Place.prompt.rawValue] = number(usage?["prompt_tokens"])
                tallies[Place.completion.rawValue] = number(usage?["completion_tokens"])
                tallies[Place.reasoning.rawValue] = number(usage?["reasoning_tokens"])
                tallies[Place.cached.rawValue] = number(usage?["cached_tokens"])
                tallies[Place.latency.rawValue] = number(root["latency_ms"])
                tallies[Place.truncated.rawValue] = root["finish_reason"]?.string == "length" ? 1 : 0
                tallies[Place.cost.rawValue] = UInt64(clamping: Money.nanodollars(root["cost_usd"]?.double ?? 0))
            }
            return tallies
        }
    }
}
