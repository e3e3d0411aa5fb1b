import JSONText
import SegmentStore

/// What a report says of a store's records, gathered one record at a time. Its size does not depend on their number.
struct RecordDigest {
    /// Records that were read, and what they would take as plain lines.
    struct Volume: Sendable, Hashable {
        var records = 0
        var rawBytes = 0
    }

    /// Attempts told apart; what took more counts as this many.
    static let attemptsMax = 12

    let failureClasses: [String]
    private(set) var volumes: [Lane: Volume] = [:]
    /// Lines that are not the records that the program writes.
    private(set) var unreadable = 0

    private(set) var latency = LogHistogram()
    private(set) var promptTokens = LogHistogram()
    private(set) var completionTokens = LogHistogram()
    private(set) var reasoningTokens = LogHistogram()
    private(set) var cachedTokens = LogHistogram()
    /// In billionths of a dollar, of the records that state a cost.
    private(set) var nanodollars = LogHistogram()
    private(set) var cost = 0.0
    /// The part of `cost` that was paid for failed items.
    private(set) var failedCost = 0.0

    /// Answers that were cut off for want of tokens.
    private(set) var truncated = 0
    /// Answers without a text and without tool calls.
    private(set) var empty = 0
    private(set) var finishReasons = NameCounts()
    private(set) var models = NameCounts()
    /// Items by the number of their attempts, from 0 to `attemptsMax`.
    private(set) var attemptsOfDone = [Int](repeating: 0, count: attemptsMax + 1)
    private(set) var attemptsOfFailed = [Int](repeating: 0, count: attemptsMax + 1)
    /// By class number; the last place is for classes that the store does not name.
    private(set) var failures: [FailureDigest]
    private(set) var timeline = Timeline()
    /// Records without a time.
    private(set) var untimed = 0

    private let parser = JSONParser()
    private let classNumbers: [String: Int]

    init(failureClasses: [String]) {
        self.failureClasses = failureClasses
        failures = [FailureDigest](repeating: FailureDigest(), count: failureClasses.count + 1)
        classNumbers = Dictionary(failureClasses.enumerated().map { ($1, $0) }, uniquingKeysWith: { a, _ in a })
    }

    /// The name of a class by its number.
    func className(_ number: Int) -> String { number < failureClasses.count ? failureClasses[number] : "other" }

    mutating func add(_ record: StoredRecord) {
        volumes[record.head.lane, default: Volume()].records += 1
        volumes[record.head.lane, default: Volume()].rawBytes += record.line.count + 1
        guard let root = try? parser.parse(record.line).root else {
            unreadable += 1
            return
        }
        let attempts = min(Int(record.head.attempts), Self.attemptsMax)
        if let failureClass = record.head.failureClass {
            attemptsOfFailed[attempts] += 1
            addFailure(root, record.head, classNumbers[failureClass] ?? failureClasses.count)
        } else {
            attemptsOfDone[attempts] += 1
            addAnswer(root)
        }
    }

    private mutating func addAnswer(_ root: JSONValue) {
        let usage = root["usage"]
        let prompt = usage?["prompt_tokens"]?.int ?? 0
        let completion = usage?["completion_tokens"]?.int ?? 0
        let milliseconds = root["latency_ms"]?.int ?? 0
        promptTokens.add(prompt)
        completionTokens.add(completion)
        reasoningTokens.add(usage?["reasoning_tokens"]?.int ?? 0)
        cachedTokens.add(usage?["cached_tokens"]?.int ?? 0)
        latency.add(milliseconds)
        let finish = Self.name(root["finish_reason"])
        finishReasons.add(finish)
        models.add(Self.name(root["model"]))
        if finish == "length" { truncated += 1 }
        if root["response"]?.rawStringContent?.isEmpty ?? true, root["tool_calls"] == nil { empty += 1 }
        let cost = addCost(root)
        addTime(root) { bin in
            bin.done += 1
            bin.promptTokens += prompt
            bin.completionTokens += completion
            bin.latencyMilliseconds += milliseconds
            bin.cost += cost
        }
    }

    private mutating func addFailure(_ root: JSONValue, _ head: RecordHead, _ number: Int) {
        let status = root["http_status"]?.int ?? 0
        let message = Self.text(root["error"], FailureDigest.messageScalarsMax)
        failures[number].add(status: status, message: message) {
            FailureDigest.Example(
                id: Self.text(head.key.id, 200), sample: Int(head.key.sample), attempts: Int(head.attempts),
                status: status, created: Int64(root["created"]?.int ?? 0), message: message,
                body: Self.text(root["body"], FailureDigest.bodyScalarsMax))
        }
        let cost = addCost(root)
        failedCost += cost
        addTime(root) { bin in
            bin.countFailure(number)
            bin.cost += cost
        }
    }

    private mutating func addTime(_ root: JSONValue, _ change: (inout Timeline.Bin) -> Void) {
        guard let created = root["created"]?.int, created > 0 else {
            untimed += 1
            return
        }
        timeline.add(at: Int64(created), change)
    }

    private mutating func addCost(_ root: JSONValue) -> Double {
        guard let dollars = root["cost_usd"]?.double, dollars.isFinite, dollars >= 0 else { return 0 }
        nanodollars.add(Int(clamping: Int64(exactly: (dollars * 1e9).rounded()) ?? .max))
        cost += dollars
        return dollars
    }

    /// A short name that a server chose.
    private static func name(_ value: JSONValue?) -> String { text(value, 120) }

    private static func text(_ value: JSONValue?, _ scalarsMax: Int) -> String {
        guard let value, let content = value.rawStringContent else { return "" }
        if content.count <= scalarsMax { return value.string ?? "" }
        return text(value.stringBytes ?? [], scalarsMax)
    }

    /// The beginning of a text; an ellipsis shows that something was cut.
    private static func text(_ bytes: [UInt8], _ scalarsMax: Int) -> String {
        let scalars = String(decoding: bytes.prefix(4 * scalarsMax + 4), as: UTF8.self).unicodeScalars
        guard scalars.count > scalarsMax else { return String(scalars) }
        var cut = String.UnicodeScalarView(scalars.prefix(scalarsMax))
        cut.append("…")
        return String(cut)
    }
}
