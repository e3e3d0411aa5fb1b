package import Basics
import BatchDelivery
import CommandLine
import Dataset
import ModelSimulator
import ResponseGenerator
import SegmentStore

/// `--via cheapest`: a run in several legs over one store, each a run of its own that may be killed at any moment.
extension RunSession {
    package func runRoute() async throws(RetortError) -> RunResult {
        let session = try holdingSimulator()
        defer { session.heldSimulator?.stop() }
        return try await session.runLegs()
    }

    private func runLegs() async throws(RetortError) -> RunResult {
        guard let route = settings.route else { return try await run() }
        var tally = RouteTally()
        var last: RunResult?
        // What all legs have done, for the summary.
        var sum = Progress()
        if try hasLeftBehind() {
            // Rows already answered by batches that were left behind need not be sent.
            let now = wallClock()
            let leg = BatchLeg(kind: .collect, itemsMax: 0, expected: .zero, cutoff: now, giveUp: now)
            last = try await batches(leg, route, &tally)
            sum = last.map { $0.summary.progress } ?? sum
        }
        let found = try RunPlan(settings)
        let known = try RunRoute(settings, route, found, now: wallClock())
        if !isQuiet {
            messages.line("deadline: \(known.text.deadline)")
            for line in known.text.lines { messages.line("route: \(line)") }
        }
        var fixed = route
        fixed.deadline = known.plan.terms.deadline
        var machine = RouteMachine(known.plan)
        var standing = known.standing
        while last.map(isGoingOn) ?? true, let leg = machine.next(standing, at: wallClock()) {
            let result: RunResult
            switch leg {
            case .batches(let leg): result = try await batches(leg, fixed, &tally)
            case .settle(let leg):
                let settled = try await batches(leg, fixed, &tally)
                sum = settled.summary.progress.adding(sum)
                // The run's result is unchanged; only its spending is updated.
                last?.spending = settled.spending
                standing.leftBehind = 0
                continue
            case .live(let flexUntil): result = try await live(fixed, flexUntil, &tally)
            }
            last = result
            sum = sum.adding(result.summary.progress)
            // If the end of the input was not reached, it is read again.
            let pending = if let known = result.standing.pending { known } else { try RunPlan(settings).new }
            standing = try RunRoute.standing(settings, try BatchJournal(of: settings.out), pending: pending)
        }
        var result: RunResult
        if let last {
            result = last
            result.summary.progress = sum
        } else {
            result = try await live(fixed, nil, &tally)
        }
        tally.secondsLeft = fixed.deadline - wallClock()
        result.route = tally
        return result
    }

    private func hasLeftBehind() throws(RetortError) -> Bool {
        guard try RecordStore.manifest(of: settings.out) != nil else { return false }
        return try BatchJournal(of: settings.out).open.contains { $0.overtaken != nil }
    }

    /// Whether the next leg makes sense after a leg's result.
    private func isGoingOn(_ result: RunResult) -> Bool {
        result.summary.error == nil && !result.wasInterrupted
    }

    private func batches(
        _ leg: BatchLeg, _ route: RouteSettings, _ tally: inout RouteTally
    ) async throws(RetortError) -> RunResult {
        let session = self.leg { settings in
            settings.route = route
            settings.batch = route.batch
            settings.batch?.leg = leg
            settings.pricing = settings.pricing.scaled(by: route.batch.priceFactor)
        }
        var result = try await session.run()
        tally.batches += result.summary.progress.done
        tally.twice += result.twice.answers
        tally.twiceNanodollars = tally.twiceNanodollars.addingSaturated(result.twice.nanodollars)
        // Without batches the rows can be sent live, as long as nothing is left at the provider.
        if let error = result.summary.error, error.code == .refused || error.code == .configuration,
            try !BatchJournal(of: settings.out).open.contains(where: \.isExclusive)
        {
            if !isQuiet { messages.line("no batches: \(CellWidth.sanitized(error.description))") }
            result.summary.error = nil
        }
        return result
    }

    private func live(
        _ route: RouteSettings, _ flexUntil: Double?, _ tally: inout RouteTally
    ) async throws(RetortError) -> RunResult {
        let gate = flexUntil.map { Locked(FlexGate(until: .now + .seconds(max(0, $0 - wallClock())))) }
        let session = self.leg { settings in
            settings.route = route
            settings.flexGate = gate
        }
        let result = try await session.run()
        let flex = gate?.withLock { $0.flexAnswers } ?? 0
        tally.flex += flex
        tally.live += max(0, result.summary.progress.done - flex)
        return result
    }
}
