import Basics
package import Dataset
import JSONText
package import SegmentStore

/// A report's statistics of a store's records, collected one record at a time. Its size does not depend on their
/// number.
package struct RecordDigest {
    /// Records that were read, and their size as uncompressed lines.
    package struct Volume: Sendable, Hashable {
        package var records = 0
        package var rawBytes = 0
    }

    /// Maximum attempts distinguished; larger numbers count as this one.
    package static let attemptsMax = 12

    package let failureClasses: [String]
    package private(set) var volumes: [Lane: Volume] = [:]
    /// Lines that are not records written by Retort.
    package private(set) var unreadable = 0

    package private(set) var latency = LogHistogram()
    /// Milliseconds to the first piece, for streamed answers.
    package private(set) var firstToken = LogHistogram()
    /// Answers taken from equal requests.
    package private(set) var reused = 0
    /// Answers that came together in one request, and those that came alone.
    package private(set) var together = SharedCounts()
    package private(set) var alone = SharedCounts()
    package private(set) var promptTokens = LogHistogram()
    package private(set) var completionTokens = LogHistogram()
    package private(set) var reasoningTokens = LogHistogram()
    package private(set) var cachedTokens = LogHistogram()
    /// Nanodollars, of the records that state a cost.
    package private(set) var nanodollars = LogHistogram()
    package private(set) var cost = 0.0
    /// The part of `cost` that was paid for failed items.
    package private(set) var failedCost = 0.0

    /// Answers truncated at the token limit.
    package private(set) var truncated = 0
    /// Answers without a text and without tool calls.
    package private(set) var empty = 0
    /// Answers in which a value was found, by how.
    package private(set) var valuesFound: [String: Int] = [:]
    /// Failed items whose answer has no value that fits.
    package private(set) var unfit = 0
    package private(set) var finishReasons = NameCounts()
    package private(set) var models = NameCounts()
    /// Answers by server, for runs with several servers.
    package private(set) var endpoints = NameCounts()
    /// Items by the number of their attempts, from 0 to `attemptsMax`.
    package private(set) var attemptsOfDone = [Int](repeating: 0, count: attemptsMax + 1)
    package private(set) var attemptsOfFailed = [Int](repeating: 0, count: attemptsMax + 1)
    /// By class number; the last element counts classes that the store does not name.
    package private(set) var failures: [FailureDigest]
    /// By round, for items with a verdict from their run.
    package private(set) var judged: [JudgedRound] = []
    /// Milliseconds of answers that are also in `rounds/`.
    package private(set) var latencyInRounds = 0
    package private(set) var timeline = Timeline()
    /// Records without a timestamp.
    package private(set) var untimed = 0

    private let parser = JSONParser()
    private let verdictParser = JSONParser()
    private let noteParser = JSONParser()
    private let classNumbers: [String: Int]

    package init(failureClasses: [String]) {
        self.failureClasses = failureClasses
        failures = [FailureDigest](repeating: FailureDigest(), count: failureClasses.count + 1)
        classNumbers = Dictionary(failureClasses.enumerated().map { ($1, $0) }, uniquingKeysWith: { a, _ in a })
    }

    /// The name of a class by its number.
    package func className(_ number: Int) -> String { number < failureClasses.count ? failureClasses[number] : "other" }

    package mutating func add(_ record: StoredRecord) {
        volumes[record.head.lane, default: Volume()].records += 1
        volumes[record.head.lane, default: Volume()].rawBytes += record.line.count + 1
        guard let root = try? parser.parse(record.line).root else {
            unreadable += 1
            return
        }
        let attempts = min(Int(record.head.attempts), Self.attemptsMax)
        if let failureClass = record.head.failureClass {
            attemptsOfFailed[attempts] += 1
            addFailure(RecordView(root), record.head, classNumbers[failureClass] ?? failureClasses.count)
        } else {
            attemptsOfDone[attempts] += 1
            addAnswer(RecordView(root))
        }
    }

    /// Applies a record's notes on how its answer was obtained. Returns whether it was taken from an equal request, and
    /// whether it came together with others.
    private mutating func addNotes(_ record: RecordView) -> (isReused: Bool, isShared: Bool) {
        let other = record.json(.other)
        guard !other.isEmpty, let root = try? noteParser.parse(other).root else { return (false, false) }
        var (isReused, isShared) = (false, false)
        for (key, value) in root.members {
            guard let note = key.string.flatMap(OtherParts.Note.init(rawValue:)) else { continue }
            switch note {
            case .endpoint:
                if let server = value.string { endpoints.add(String(server.unicodeScalars.prefix(120))) }
            case .reused: isReused = isReused || value.kind == .string
            case .shared: isShared = value.kind == .object
            case .firstToken: if let milliseconds = value.int { firstToken.add(milliseconds) }
            }
        }
        if isReused { reused += 1 }
        return (isReused, isShared)
    }

    private mutating func addAnswer(_ record: RecordView) {
        let prompt = LogHistogram.clamped(record.usage(.prompt))
        let completion = LogHistogram.clamped(record.usage(.completion))
        let milliseconds = LogHistogram.clamped(record.integer(.latency))
        // An answer taken from an equal request took no time and used no tokens.
        let notes = addNotes(record)
        if !notes.isReused {
            notes.isShared ? together.add(prompt, completion) : alone.add(prompt, completion)
            promptTokens.add(prompt)
            completionTokens.add(completion)
            reasoningTokens.add(record.usage(.reasoning))
            cachedTokens.add(record.usage(.cached))
            latency.add(milliseconds)
        }
        finishReasons.add(Self.name(record.member(.finishReason)))
        models.add(Self.name(record.member(.model)))
        if record.isTruncated { truncated += 1 }
        if !record.isAnswered { empty += 1 }
        if let found = record.member(.valueFound) {
            // Other names are not Retort's.
            for layer in Self.layers where found.isText(layer) { valuesFound[layer.description, default: 0] += 1 }
        }
        if record.isInRounds {
            latencyInRounds = latencyInRounds.addingSaturated(milliseconds)
            addVerdict(record)
        }
        let cost = addCost(record)
        addTime(record) { bin in
            bin.done += 1
            bin.promptTokens &+= prompt
            bin.completionTokens &+= completion
            bin.latencyMilliseconds &+= milliseconds
            bin.cost += cost
        }
    }

    /// Counts the rounds of the item's judged answers, and the last verdict.
    private mutating func addVerdict(_ record: RecordView) {
        guard let verdict = try? verdictParser.parse(record.json(.verdict)).root, let pass = verdict["pass"]?.bool
        else {
            return
        }
        let last = min(max(1, record.integer(.rounds)), JudgedRound.countMax)
        while judged.count < last { judged.append(JudgedRound()) }
        for number in 0..<last { judged[number].judged += 1 }
        if pass { judged[last - 1].passed += 1 }
    }

    private mutating func addFailure(_ record: RecordView, _ head: RecordHead, _ number: Int) {
        let status = record.integer(.httpStatus)
        let message = Self.text(record.member(.error), FailureDigest.messageScalarsMax)
        if message.hasPrefix(ValueCounts.unfit) || message.hasPrefix(ValueCounts.noValue) { unfit += 1 }
        failures[number].add(status: status, message: message) {
            FailureDigest.Example(
                id: Self.text(head.key.id, 200), sample: Int(head.key.sample), attempts: Int(head.attempts),
                status: status, created: Int64(record.integer(.created)), message: message,
                body: Self.text(record.member(.body), FailureDigest.bodyScalarsMax))
        }
        if record.isInRounds { addVerdict(record) }
        let cost = addCost(record)
        failedCost += cost
        addTime(record) { bin in
            bin.countFailure(number)
            bin.cost += cost
        }
    }

    private mutating func addTime(_ record: RecordView, _ change: (inout Timeline.Bin) -> Void) {
        guard let created = record.member(.created)?.int, (1..<UTCTime.secondsMax).contains(created) else {
            untimed += 1
            return
        }
        timeline.add(at: Int64(created), change)
    }

    private mutating func addCost(_ record: RecordView) -> Double {
        guard let known = record.cost else { return 0 }
        nanodollars.add(known)
        let dollars = Money.dollars(known)
        cost += dollars
        return dollars
    }

    private static let layers: [StaticString] = ["whole", "first", "brackets", "repaired"]

    /// A short name from a server.
    private static func name(_ value: JSONValue?) -> String { text(value, 120) }

    private static func text(_ value: JSONValue?, _ scalarsMax: Int) -> String {
        guard let value, let content = value.rawStringContent else { return "" }
        if content.count <= scalarsMax { return value.string ?? "" }
        return text(value.stringBytes ?? [], scalarsMax)
    }

    /// The beginning of a text; an ellipsis shows that it was shortened.
    private static func text(_ bytes: [UInt8], _ scalarsMax: Int) -> String {
        let scalars = String(decoding: bytes.prefix(4 * scalarsMax + 4), as: UTF8.self).unicodeScalars
        guard scalars.count > scalarsMax else { return String(scalars) }
        var cut = String.UnicodeScalarView(scalars.prefix(scalarsMax))
        cut.append("…")
        return String(cut)
    }
}
