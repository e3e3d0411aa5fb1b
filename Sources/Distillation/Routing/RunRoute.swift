package import Basics
package import BatchDelivery
import CommandLine
package import Dataset
import ModelAPI
import ResponseGenerator
import SegmentStore

/// What is known of a run before its rows are divided: from the store, its input and the settings.
package struct RunRoute {
    package let plan: RoutePlan
    package let text: RouteText
    package let standing: RouteMachine.Standing

    /// Throws `.usage` if the deadline has passed, unless an earlier run has set it.
    package init(_ settings: RunSettings, _ route: RouteSettings, _ found: RunPlan, now: Double) throws(RetortError) {
        let deadline = try Self.deadline(settings, route, now: now)
        let open = try BatchJournal(of: settings.out)
        standing = try Self.standing(settings, open, pending: found.new)
        let terms = RouteTerms(
            now: now, deadline: deadline, items: found.new, underWay: standing.underWay,
            pace: Self.pace(found, settings), reserve: route.reserve?.seconds,
            expected: route.expected?.seconds ?? Self.expected(open), batchShare: route.batch.priceFactor,
            flexShare: route.hasFlex ? route.flexShare : nil)
        plan = RoutePlan(terms)
        let inBatches = Double(plan.batchItems + standing.underWay)
        text = RouteText(
            plan: plan, isPaceMeasured: found.measurements.liveSeconds != nil,
            batchDollarsMax: found.bounds.dollars.flatMap { dollars in
                found.new > 0 && dollars > 0 ? dollars * inBatches / Double(found.new) * route.batch.priceFactor : nil
            })
    }

    /// Members of JSON: times are seconds since 1970.
    package func append(to object: inout JSONLine) {
        object.member("deadline", Human.fixed(plan.terms.deadline, 0))
        object.member("batch_items", String(plan.batchItems))
        object.member("batch_items_under_way", String(plan.terms.underWay))
        object.member("live_items", String(plan.liveItems))
        object.member("batch_cutoff", Human.fixed(plan.cutoff, 0))
        object.member("paid_twice_usd_max", text.batchDollarsMax.map { Human.fixed($0, 6) } ?? "null")
    }

    /// The deadline: that of an earlier run with the same text, as long as it has items left.
    private static func deadline(
        _ settings: RunSettings, _ route: RouteSettings, now: Double
    ) throws(RetortError) -> Double {
        if let noted = DeadlineNote.read(try RecordStore.manifest(of: settings.out), route) { return noted }
        guard route.deadline > now else {
            throw RetortError(
                .usage, "the deadline \(route.deadlineText) has passed",
                remedy: "Name a later one, or leave out --deadline and --via cheapest.")
        }
        return route.deadline
    }

    /// The state of the store between two legs.
    package static func standing(
        _ settings: RunSettings, _ journal: BatchJournal, pending: Int
    ) throws(RetortError) -> RouteMachine.Standing {
        RouteMachine.Standing(
            pending: pending, underWay: min(try underWay(journal, settings), pending),
            leftBehind: journal.open.count { $0.overtaken != nil })
    }

    /// Items without an outcome that are only in batches in progress.
    private static func underWay(_ journal: BatchJournal, _ settings: RunSettings) throws(RetortError) -> Int {
        let open = journal.open.filter(\.isExclusive)
        guard !open.isEmpty else { return 0 }
        let reader = try StoreReader(settings.out, options: StoreAccess.options)
        var count = 0
        for standing in open {
            try BatchItemIndex.forEach(journal.items(standing.number)) { item throws(RetortError) in
                if try reader.lookup(RecordKey(id: item.id, sample: item.sample).hash) == nil { count += 1 }
            }
        }
        return count
    }

    /// Items per second sent live.
    private static func pace(_ found: RunPlan, _ settings: RunSettings) -> Double {
        let limits = settings.generator.limits
        let latency = max(found.measurements.liveSeconds ?? RoutePlan.latencyAssumed, latencyMin)
        var pace = Double(settings.generator.concurrency) / latency
        if let rate = limits.requestsPerSecond { pace = min(pace, rate) }
        if let rate = limits.requestsPerMinute { pace = min(pace, rate / 60) }
        if let spacing = limits.spacing, spacing > .zero { pace = min(pace, 1 / spacing.seconds) }
        if let rate = limits.tokensPerMinute, found.new > 0 {
            let tokens = found.promptTokens.mean + (found.completionTokens?.mean ?? found.promptTokens.mean)
            pace = min(pace, rate / 60 / max(1, tokens / Double(found.new)))
        }
        return pace
    }

    /// Minimum seconds of an answer.
    private static let latencyMin = 0.001

    /// Seconds that the slowest of the store's batches has taken.
    private static func expected(_ journal: BatchJournal) -> Double {
        let taken = journal.batches.compactMap { batch -> Int? in
            guard let created = batch.created, let ended = batch.ended, batch.end == BatchEnd.completed.name else {
                return nil
            }
            return ended - created
        }
        return taken.max().map { Double(max(1, $0)) } ?? RoutePlan.expectedDefault
    }
}
