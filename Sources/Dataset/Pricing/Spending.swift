package import Basics
import CommandLine
import JSONText
package import SegmentStore

/// The cost of all requests for a store, in nanodollars: what its records state, by outcome, and what no record states.
/// All of it counts against `--max-cost`.
package struct Spending: Sendable, Hashable {
    /// On answers that are outcomes.
    package var answers = 0
    /// On answers of failed items.
    package var failures = 0
    /// On answers that are not outcomes: corrected, rejected, or not judged yet.
    package var rounds = 0
    /// On answers to rows that changed afterwards (`superseded/`).
    package var superseded = 0
    /// On probes of the server, which belong to no item.
    package var probes = 0
    /// Maximum cost of answers without a record: lost in transit, in flight when a process was killed, or sent again.
    package var uncertainMax = 0
    /// The part of `uncertainMax` that comes from probes. It is kept apart from the store's mark, to which each run
    /// would add it again.
    package var probesUncertainMax = 0

    package init() {}

    /// - Parameters:
    ///   - mark: the store's mark, which is `uncertainMax`.
    ///   - superseded: as counted by `superseded(in:)`.
    ///   - notes: the store's notes.
    package init(_ counters: StoreCounters, mark: Int64, superseded: Int = 0, notes: [String: String]?) {
        self.init(
            responses: counters.tallies(of: .responses), failures: counters.tallies(of: .failures),
            rounds: counters.tallies(of: .rounds))
        let probing = ProbeSpending(notes)
        probes = probing.spent
        probesUncertainMax = probing.uncertainMax
        uncertainMax = Int(clamping: max(0, mark)).addingSaturated(probing.uncertainMax)
        self.superseded = superseded
    }

    /// The sums of the lanes' records. The cost of an answer that was kept in `rounds/` until it was judged is recorded
    /// twice, and counts once.
    package init(responses: Tallies, failures: Tallies, rounds: Tallies) {
        let cost = RecordTallies.Place.cost.rawValue
        let besides = RecordTallies.Place.besides.rawValue
        answers = Int(clamping: responses[cost])
        self.failures = Int(clamping: failures[besides])
        self.rounds = Int(clamping: rounds[cost] - min(responses[besides], rounds[cost]))
    }

    /// The sum of all records.
    package var recorded: Int {
        [answers, failures, rounds, superseded, probes].reduce(0) { $0.addingSaturated($1) }
    }

    /// What is settled before a run begins: all but the mark.
    package var settled: Int { recorded.addingSaturated(probesUncertainMax) }

    /// Dollars; nil if no cost is known.
    package var dollars: Double? { recorded > 0 ? Money.dollars(recorded) : nil }

    /// Reads the superseded records; most stores have none.
    package static func superseded(in reader: StoreReader) throws(RetortError) -> Int {
        let parser = JSONParser()
        var nanodollars = 0
        for lane in Lane.allCases where try reader.superseded(lane).records > 0 {
            try reader.forEachSuperseded(lane) { record throws(RetortError) in
                guard let root = try? parser.parse(record.line).root else { return }
                // Its record in `rounds/` stays, and states the cost too.
                guard !RecordView(root).isInRounds else { return }
                nanodollars = nanodollars.addingSaturated(RecordView(root).cost ?? 0)
            }
        }
        return nanodollars
    }

    package init(of reader: StoreReader) throws(RetortError) {
        self.init(
            reader.counters, mark: try reader.mark(), superseded: try Self.superseded(in: reader),
            notes: reader.manifest.notes)
    }

    /// A sentence, the total first; nil if no cost is known.
    package var text: String? {
        guard recorded > 0 || uncertainMax > 0 else { return nil }
        var text = Human.dollars(Money.dollars(recorded))
        let all = [
            (answers, "answers"), (failures, "failed items"), (rounds, "earlier rounds"),
            (superseded, "superseded answers"), (probes, "probes"),
        ]
        let parts = all.filter { $0.0 > 0 }
        if parts.count > 1 || answers == 0, recorded > 0 {
            let list = parts.map { "\(Human.dollars(Money.dollars($0.0))) on \($0.1)" }.joined(separator: ", ")
            text += " (\(list))"
        }
        if uncertainMax > 0 {
            text +=
                "; up to \(Human.dollars(Money.dollars(uncertainMax))) more on answers that were lost or requested again"
        }
        return text
    }

    /// JSON members, in dollars: the parts add up to `total_usd`.
    package var members: [(name: String, nanodollars: Int)] {
        [
            ("answers_usd", answers), ("failures_usd", failures), ("rounds_usd", rounds),
            ("superseded_usd", superseded), ("probes_usd", probes),
            ("total_usd", recorded), ("uncertain_max_usd", uncertainMax),
        ]
    }

    package var json: JSONTree {
        .object(members.map { JSONTree.Member($0.name, .real(Money.dollars($0.nanodollars))) })
    }
}
