package import Basics
import CommandLine
package import Dataset
import JSONText
package import SegmentStore

/// Verdicts on a store's answers by round and by verifier, and the time spent.
package struct JudgedSummary {
    /// From the first round on; the last one includes all later ones.
    package private(set) var rounds: [JudgedRound] = []
    package private(set) var verifiers: [VerifierTally] = []
    package let ks: [Int]
    /// Milliseconds of requests whose answers are outcomes, of requests whose answers were rejected, and of verifiers.
    package private(set) var answersTime = 0
    package private(set) var roundsTime = 0
    package private(set) var verifiersTime = 0

    private static let millisecondsMax = 1e15

    /// Nil for a store without verdicts. Reads its answers, rounds and verdicts.
    package init?(_ reader: StoreReader, _ digest: RecordDigest) throws(RetortError) {
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

    /// Where the time was spent, with shares.
    package var times: [(name: String, milliseconds: Int)] {
        [("answers", answersTime), ("rounds sent again", roundsTime), ("verifiers", verifiersTime)]
            .filter { $0.1 > 0 }.map { (name: $0.0, milliseconds: $0.1) }
    }

    package func name(ofRound number: Int) -> String {
        "round \(number + 1)\(number == JudgedRound.countMax - 1 && rounds.count == JudgedRound.countMax ? " or later" : "")"
    }

    package var tree: JSONTree {
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
