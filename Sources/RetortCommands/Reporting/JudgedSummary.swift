import Basics
import CommandLine
import JSONText
import SegmentStore

/// What verifiers have said of a store's answers, round by round and by verifier, and where the time went.
struct JudgedSummary {
    /// Items that had an answer judged in a round, and those whose answer passed there.
    struct Round: Sendable, Hashable {
        var judged = 0
        var passed = 0
    }

    /// From the first one on; the last stands for the further ones too.
    private(set) var rounds: [Round] = []
    private(set) var verifiers: [VerifierTally] = []
    let ks: [Int]
    /// Milliseconds that requests took whose answers are outcomes, those whose answers were not good enough, and verifiers.
    private(set) var answersTime = 0
    private(set) var roundsTime = 0
    private(set) var verifiersTime = 0

    static let roundsMax = 20
    private static let millisecondsMax = 1e15

    /// Nil for a store whose answers were not judged. Reads its answers, rounds and verdicts.
    init?(_ reader: StoreReader, _ digest: RecordDigest) throws(RetortError) {
        let names = StoredVerdicts.verifiers(of: reader.manifest)
        guard !names.isEmpty else { return nil }
        let evaluation = try EvaluationSummary(reader, names)
        (verifiers, ks) = (evaluation.verifiers, evaluation.ks)
        rounds = digest.judged
        answersTime = Int(min(max(0, digest.latency.sum), Self.millisecondsMax))
        let parser = JSONParser()
        func sum(_ lane: Lane) throws(RetortError) -> Int {
            var milliseconds = 0
            func add(_ record: StoredRecord) throws(RetortError) {
                guard let root = try? parser.parse(record.line).root else { return }
                milliseconds = milliseconds.addingSaturated(max(0, RecordView(root).integer(.latency)))
            }
            try reader.forEach(lane, onDamage: { _ in }, add)
            return milliseconds
        }
        // A round whose answer became the outcome is counted there.
        roundsTime = max(0, try sum(.rounds) - digest.latencyInRounds)
        verifiersTime = try sum(.verdicts)
    }

    /// What the time went into, with the shares of it.
    var times: [(name: String, milliseconds: Int)] {
        [("answers", answersTime), ("rounds asked again", roundsTime), ("verifiers", verifiersTime)]
            .filter { $0.1 > 0 }.map { (name: $0.0, milliseconds: $0.1) }
    }

    func name(ofRound number: Int) -> String {
        "round \(number + 1)\(number == Self.roundsMax - 1 && rounds.count == Self.roundsMax ? " or later" : "")"
    }

    var tree: JSONTree {
        .object([
            .init(
                "rounds",
                .list(
                    rounds.enumerated().map { number, round in
                        .object([
                            .init("round", .integer(number + 1)), .init("judged", .integer(round.judged)),
                            .init("passed", .integer(round.passed)),
                        ])
                    })),
            .init("verifiers", .list(verifiers.map { EvaluationSummary.tree($0, ks) })),
            .init(
                "seconds",
                .object([
                    .init("answers", .real(Double(answersTime) / 1000)),
                    .init("rounds", .real(Double(roundsTime) / 1000)),
                    .init("verifiers", .real(Double(verifiersTime) / 1000)),
                ])),
        ])
    }
}

extension SummaryText {
    /// Pass rates by round and by verifier, and where the time went.
    static func judged(_ judged: JudgedSummary?) -> [(title: String, rows: [(name: String, text: String)])] {
        guard let judged else { return [] }
        var sections: [(title: String, rows: [(name: String, text: String)])] = []
        func rate(_ passed: Int, _ count: Int) -> String {
            let cells = count > 0 ? Int((Double(passed) / Double(count) * Double(barCells)).rounded()) : 0
            let text = "\(Human.count(passed)) of \(Human.count(count)) passed (\(Human.percent(passed, of: count)))"
            return text + String(repeating: " ", count: max(2, 34 - text.count)) + String(repeating: "#", count: cells)
        }
        if !judged.rounds.isEmpty {
            let rows = judged.rounds.enumerated().map { number, round in
                (name: judged.name(ofRound: number), text: rate(round.passed, round.judged))
            }
            sections.append(("Pass rate by round", rows))
        }
        var rows: [(name: String, text: String)] = []
        for verifier in judged.verifiers where verifier.judged > 0 {
            rows.append((verifier.name, rate(verifier.passed, verifier.judged)))
            for pass in verifier.passAt(judged.ks) { rows.append(("", EvaluationSummary.line(pass))) }
        }
        if !rows.isEmpty { sections.append(("Pass rate by verifier", rows)) }
        let whole = judged.times.reduce(0) { $0.addingSaturated($1.milliseconds) }
        if whole > 0 {
            let rows = judged.times.map { name, milliseconds in
                let time = Quantity.duration(milliseconds: Double(milliseconds))
                return (name: name, text: "\(time) (\(Human.percent(milliseconds, of: whole)))")
            }
            sections.append(("Where the time went, all requests one after the other", rows))
        }
        return sections
    }
}

extension ReportPage {
    /// The same as bars.
    func judged(_ pair: inout Markup) {
        guard let judged = summary.judged else { return }
        if !judged.rounds.isEmpty {
            card(&pair, "Pass rate by round", legend: [("done", "passed"), ("failed", "rejected")]) { table in
                let whole = judged.rounds.first?.judged ?? 0
                for (number, round) in judged.rounds.enumerated() {
                    let parts = [("done", round.passed), ("failed", round.judged - round.passed)]
                    barRow(&table, judged.name(ofRound: number), parts, of: whole)
                }
            }
        }
        if judged.verifiers.contains(where: { $0.judged > 0 }) {
            card(&pair, "Verdicts by verifier", legend: [("done", "passed"), ("failed", "rejected")]) { table in
                for verifier in judged.verifiers where verifier.judged > 0 {
                    let parts = [("done", verifier.passed), ("failed", verifier.judged - verifier.passed)]
                    barRow(&table, verifier.name, parts, of: verifier.judged)
                }
            }
        }
        let whole = judged.times.reduce(0) { $0.addingSaturated($1.milliseconds) }
        guard whole > 0 else { return }
        card(&pair, "Where the time went (ms)", legend: []) { table in
            for (name, milliseconds) in judged.times { barRow(&table, name, [("done", milliseconds)], of: whole) }
        }
    }

    private func card(
        _ pair: inout Markup, _ title: String, legend entries: [(name: String, style: String)],
        _ rows: (inout Markup) -> Void
    ) {
        pair.element("div", ["class": "card"]) { card in
            card.element("h2", text: title)
            card.element("table") { table in rows(&table) }
            if !entries.isEmpty { legend(&card, entries.map { (name: $0.style, style: $0.name) }) }
        }
    }
}
