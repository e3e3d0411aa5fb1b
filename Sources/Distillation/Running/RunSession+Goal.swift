package import Basics
package import CommandLine
package import Dataset
import ResponseGenerator
package import SegmentStore

/// `--until-accepted`: a run that reads rows until enough answers are accepted.
extension RunSession {
    package static let goalOption = OptionSpec(
        "until-accepted", kind: .integer(1...1_000_000_000), valueName: "N",
        summary: "stop once N items have succeeded: all rows first, then further samples of them, up to --samples",
        details: """
            An answer is accepted if it passes --verifier and --schema, where they are given. Near the end only as \
            many requests are in flight as are likely to be needed. After 200 outcomes the run prints what the rest \
            will need.
            """, group: "Input and output")

    /// Runs; with a goal once over all rows for each sample, until the goal is reached or all samples were drawn.
    package func runToGoal() async throws(RetortError) -> RunResult {
        if settings.route != nil { return try await runRoute() }
        guard settings.acceptedWanted != nil else { return try await run() }
        let stored = try RecordStore.manifest(of: settings.out)?.samples ?? 1
        var samples = min(max(1, stored), settings.samples)
        var drawn: AcceptedGoal.Count?
        while true {
            let result = try await drawing(samples, after: drawn).run()
            drawn = result.goal?.count
            let isAtEnd = result.summary.ending == .completed && !result.wasInterrupted
            guard isAtEnd, samples < settings.samples, result.goal?.isReached == false else { return result }
            samples += 1
        }
    }

    /// The goal of a run; nil without one.
    package func goal(_ before: StoreCounters, _ store: RecordStore) -> AcceptedGoal? {
        guard let wanted = settings.acceptedWanted else { return nil }
        let (messages, isQuiet) = (messages, isQuiet)
        let spentBefore = Spending(before, mark: 0, notes: nil).recorded
        let start = AcceptedGoal.Count(wanted: wanted, accepted: Int(clamping: before.done), after: drawn)
        return AcceptedGoal(start) { count in
            guard !isQuiet else { return }
            let missing = count.wanted - count.accepted
            var text =
                "after \(Human.count(count.settled)) outcomes \(Human.percent(count.acceptedNow, of: count.settled)) "
            text += "are accepted: \(Human.count(missing)) more need "
            guard count.acceptedNow > 0 else { return messages.line(text + "an unknown number of items") }
            let items = (Double(missing) / count.share).rounded(.up)
            text += "about \(Human.count(Int(min(items, 1e15)))) items"
            let spent = Spending(store.counters, mark: 0, notes: nil).recorded - spentBefore
            if spent > 0 {
                text += " and \(Human.dollars(Money.dollars(spent) / Double(count.settled - start.settled) * items))"
            }
            messages.line(text)
        }
    }
}

extension RunSession {
    /// The codec of the run's records.
    package func codec() throws(RetortError) -> RecordCodec {
        RecordCodec(
            prices: settings.pricing.version, keepsBody: settings.keepsBody, costs: try CostColumn(of: settings.out),
            servers: settings.serverNames)
    }
}
