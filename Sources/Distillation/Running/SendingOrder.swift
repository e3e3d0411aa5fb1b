import Basics
package import CommandLine
package import Dataset
import Glibc
package import JSONText
import ModelAPI
package import ResponseGenerator

/// The order in which rows are sent: `--order`.
package enum SendingOrder: String, CaseIterable, Sendable {
    /// The order of the input.
    case input
    /// Rows with a long common prefix one after another, for a server's prompt cache.
    case prefix

    /// Maximum items that are ordered together, and bytes of their requests.
    package static let windowItemsMax = 32_768
    package static let windowBytesMax = 64 << 20

    package static let option = OptionSpec(
        "order", kind: .choice(allCases.map(\.rawValue)),
        summary: "prefix: send rows with a long common beginning one after the other",
        details: """
            Servers cache the beginnings of recent prompts, and bill cached tokens at a lower price. Rows are sorted in \
            parts of \(Human.count(windowItemsMax)) rows or \(Human.bytes(windowBytesMax)) of requests, so that a shared \
            beginning is computed once per part. Ids, rows and resuming are not affected. The summary shows the share of \
            the prompts' tokens that came from a cache, and what that saved.
            """, group: "Input and output", default: input.rawValue)

    /// The items in this order. Items of one request stay together, as one part of the result.
    package func sorted(_ items: [Item<ItemContext>], with parser: JSONParser) -> [[Item<ItemContext>]] {
        var groups: [[Item<ItemContext>]] = []
        for item in items {
            if let name = item.shared?.name, groups.last?.first?.shared?.name == name {
                groups[groups.count - 1].append(item)
            } else {
                groups.append([item])
            }
        }
        guard self == .prefix, groups.count > 1 else { return groups }
        let keys = groups.map { PromptBeginning($0[0].shared?.request ?? $0[0].request, with: parser) }
        let order = groups.indices.sorted { left, right in
            let comparison = keys[left].compared(to: keys[right])
            return comparison == 0 ? left < right : comparison < 0
        }
        return order.map { groups[$0] }
    }

    /// A line about prompt caching; nil if no token came from a cache.
    package static func fact(_ progress: Progress) -> SummaryFact? {
        let usage = progress.usage
        guard usage.cached > 0, usage.prompt > 0 else { return nil }
        let saved = Money.dollars(progress.savedNanodollars)
        let money = saved > 0 ? ", which saved \(Human.dollars(saved))" : ""
        return (
            "cached",
            "\(Human.percent(min(usage.cached, usage.prompt), of: usage.prompt)) of the tokens in came from a cache "
                + "(\(Human.count(usage.cached)))\(money)"
        )
    }
}

/// The parts of a request that a model reads, in the order of reading.
private struct PromptBeginning {
    private let body: [UInt8]
    private var parts: [Range<Int>] = []

    /// Members, of all APIs, that precede or contain the prompt.
    private static let names = [
        "model", "tools", "system", "instructions", "messages", "prompt", "input", "input_prefix",
    ].map { Array($0.utf8) }

    init(_ request: ModelRequest, with parser: JSONParser) {
        body = request.body
        guard let root = try? parser.parse(body).root else { return }
        for name in Self.names { if let part = root.member(name)?.range { parts.append(part) } }
    }

    /// Negative if this one comes first, 0 if both are equal.
    func compared(to other: PromptBeginning) -> Int {
        body.withUnsafeBytes { mine in
            other.body.withUnsafeBytes { others in
                for (left, right) in zip(parts, other.parts) {
                    let common = min(left.count, right.count)
                    let found = memcmp(
                        mine.baseAddress! + left.lowerBound, others.baseAddress! + right.lowerBound, common)
                    if found != 0 { return Int(found) }
                    if left.count != right.count { return left.count - right.count }
                }
                return parts.count - other.parts.count
            }
        }
    }
}
