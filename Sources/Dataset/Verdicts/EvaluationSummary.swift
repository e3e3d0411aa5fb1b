package import Basics
import CommandLine
import JSONText
import ModelAPI
package import SegmentStore

/// Sums of a verifier's verdicts on a store's answers.
package struct VerifierTally: Sendable {
    package var name: String
    package var judged = 0
    package var passed = 0
    package var unjudged = 0
    /// Tests with different results in two executions.
    package var flipped = 0
    package private(set) var scores = 0.0
    /// By the hash of the item's id. An item is a row with all its samples.
    package private(set) var items: [Hash128: SampleCount] = [:]
    /// The ids, if requested, in the order of their first answers.
    package private(set) var ids: [[UInt8]] = []

    package init(_ name: String) { self.name = name }

    package var score: Double? { judged > 0 ? scores / Double(judged) : nil }

    package mutating func add(_ verdict: StoredVerdict?, _ key: RecordKey, keepsID: Bool) {
        guard let verdict else {
            unjudged += 1
            return
        }
        judged += 1
        if verdict.pass { passed += 1 }
        if verdict.details.count < 1 << 12, verdict.details.firstRange(of: Self.flip) != nil { flipped += 1 }
        scores += verdict.score
        let hash = RecordKey(id: key.id).hash
        if keepsID, items[hash] == nil { ids.append(key.id) }
        items[hash, default: SampleCount()].samples += 1
        if verdict.pass { items[hash]?.passed += 1 }
    }

    private static let flip = Array(#""flipped":true"#.utf8)

    /// pass@1, and pass@k for the other numbers for which there are enough samples.
    package func passAt(_ ks: [Int]) -> [PassAtK] { ks.compactMap { PassAtK($0, of: items.values) } }

    /// The numbers shown by default.
    package static func ks(samples: Int) -> [Int] { [1, 5, 10, 50, 100].filter { $0 <= max(1, samples) } }
}

/// Verdicts of several verifiers on a store's answers, counted in one pass over the answers.
package struct EvaluationSummary: Sendable {
    package var root: String
    package var verifiers: [VerifierTally]
    package var answers = 0
    /// Items without a judged answer.
    package var failed = 0
    package var ks: [Int]

    /// Reads the whole store.
    package init(
        _ reader: StoreReader, _ names: [String], ks: [Int]? = nil, keepsIDs: Bool = false,
        onDamage: (Damage) -> Void = { _ in }
    ) throws(RetortError) {
        root = reader.root
        failed = Int(clamping: reader.counters.failed)
        self.ks = ks ?? VerifierTally.ks(samples: reader.manifest.samples)
        var tallies = names.map { VerifierTally($0) }
        let verdicts = try StoredVerdicts(reader.root)
        let parser = JSONParser()
        var count = 0
        var judgedFailures = 0
        try reader.forEach(.responses, onDamage: onDamage) { record throws(RetortError) in
            guard let root = try? parser.parse(record.line).root else { return }
            count += 1
            let view = RecordView(root)
            for place in tallies.indices {
                let verdict = try verdicts.verdict(on: view, record.head.key, by: tallies[place].name)
                tallies[place].add(verdict, record.head.key, keepsID: keepsIDs)
            }
        }
        // An item whose answers a run's verifier rejected counts as failed by it.
        try reader.forEach(.failures, onDamage: onDamage) { record throws(RetortError) in
            guard try reader.lookup(record.head.key.hash)?.recordStatus != .ok,
                let root = try? parser.parse(record.line).root
            else { return }
            let view = RecordView(root)
            guard view.text(.failureClass) == FailureClass.verifier.rawValue else { return }
            var isJudged = false
            for place in tallies.indices {
                let name = tallies[place].name
                guard let verdict = try verdicts.verdict(on: view, record.head.key, by: name) else { continue }
                isJudged = true
                tallies[place].add(verdict, record.head.key, keepsID: keepsIDs)
            }
            if isJudged { judgedFailures += 1 }
        }
        failed = max(0, failed - judgedFailures)
        answers = count
        verifiers = tallies
    }

    /// Lines for display.
    package var lines: [String] {
        var lines = ["\(Human.plural(answers, "answer")) in \(CellWidth.sanitized(root))"]
        if failed > 0 { lines[0] += "; \(Human.plural(failed, "item")) without an answer, not counted below" }
        for tally in verifiers {
            lines.append("")
            lines.append(CellWidth.sanitized(tally.name))
            var counts = "  judged   \(Human.count(tally.judged)), passed \(Human.count(tally.passed)) "
            counts += "(\(Human.percent(tally.passed, of: tally.judged)))"
            if let score = tally.score { counts += ", mean score \(Human.fixed(score, 3))" }
            lines.append(counts)
            if tally.unjudged > 0 { lines.append("  unjudged \(Human.count(tally.unjudged))") }
            if tally.flipped > 0 {
                lines.append("  flipped  \(Human.count(tally.flipped)): their tests gave different results")
            }
            for pass in tally.passAt(ks) { lines.append("  " + Self.line(pass)) }
        }
        return lines
    }

    package static func line(_ pass: PassAtK) -> String {
        func percent(_ value: Double) -> String { Human.fixed(value * 100, 1) + "%" }
        let name = "pass@\(pass.k)"
        let space = String(repeating: " ", count: max(1, 9 - name.count))
        return
            "\(name)\(space)\(percent(pass.value)) (\(percent(pass.low)) to \(percent(pass.high)), \(pass.intervalName)), "
            + Human.plural(pass.items, "item")
    }

    package var tree: JSONTree {
        .object([
            .init("store", .text(root)), .init("answers", .integer(answers)), .init("failed", .integer(failed)),
            .init("verifiers", .list(verifiers.map { Self.tree($0, ks) })),
        ])
    }

    package static func tree(_ tally: VerifierTally, _ ks: [Int]) -> JSONTree {
        .object([
            .init("name", .text(tally.name)), .init("judged", .integer(tally.judged)),
            .init("passed", .integer(tally.passed)), .init("unjudged", .integer(tally.unjudged)),
            .init("flipped", .integer(tally.flipped)), .init("score", JSONTree(tally.score)),
            .init(
                "pass_at",
                .list(
                    tally.passAt(ks).map { pass in
                        .object([
                            .init("k", .integer(pass.k)), .init("value", .real(pass.value)),
                            .init("low", .real(pass.low)), .init("high", .real(pass.high)),
                            .init("items", .integer(pass.items)), .init("interval", .text(pass.intervalName)),
                        ])
                    })),
        ])
    }

    /// One JSON object per item and verifier.
    package func forEachItem(_ body: ([UInt8]) throws(RetortError) -> Void) throws(RetortError) {
        for tally in verifiers {
            for id in tally.ids {
                guard let count = tally.items[RecordKey(id: id).hash] else { continue }
                var line = JSONLine()
                var token: [UInt8] = []
                JSONString.append(id, to: &token)
                line.member("id", token)
                line.text("verifier", tally.name)
                line.member("samples", String(count.samples))
                line.member("passed", String(count.passed))
                for k in ks { if let value = count.passAt(k) { line.member("pass@\(k)", "\(value)") } }
                try body(line.finished)
            }
        }
    }
}
