import Basics
import BatchDelivery
import HTTPTransport

/// Calls to the provider, for several batches at a time.
extension BatchCourier {
    private enum Outcome: Sendable {
        case event(BatchMachine.Event)
        case fetched(FetchedResults)
    }

    private typealias Call = @Sendable () async -> Outcome

    /// Makes the next call of each of these batches, and handles the results.
    func call(_ flights: [BatchFlight]) async throws(RetortError) {
        let together = flights.compactMap { flight in call(of: flight).map { (flight, $0) } }
        for first in stride(from: 0, to: together.count, by: BulkLanes.count) {
            let part = together[first..<min(first + BulkLanes.count, together.count)]
            let outcomes = await Self.outcomes(of: part.map(\.1))
            for (flight, outcome) in zip(part.map(\.0), outcomes) {
                switch outcome {
                case .event(let event): happened(event, to: flight)
                case .fetched(let results): flight.fetched = results
                }
            }
        }
        // The result of one call decides which batches or files the next one may match, so these are made one by one.
        for flight in flights where call(of: flight) == nil && flight.makesCall { try await act(on: flight) }
    }

    private static func outcomes(of calls: [Call]) async -> [Outcome] {
        await withTaskGroup(of: (Int, Outcome).self) { group in
            for (number, call) in calls.enumerated() { group.addTask { (number, await call()) } }
            var found: [(Int, Outcome)] = []
            for await outcome in group { found.append(outcome) }
            return found.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    /// The call, if it concerns one batch alone; nil for other actions.
    private func call(of flight: BatchFlight) -> Call? {
        let (caller, title, upload) = (parts.caller, flight.plan.title, journal.upload(flight.number))
        switch flight.action {
        case .upload: return { .event(await caller.upload(title, upload)) }
        case .create(let file?) where !parts.batch.dialect.isKnownByResults:
            return { .event(await caller.create(title, file: file, upload: upload)) }
        case .look(let id):
            let now = Int(wallClockSeconds())
            return {
                let event = await caller.look(id)
                if case .looked(let view) = event, Self.isOverdue(view, now) { return .event(.overdue(view)) }
                return .event(event)
            }
        case .collect(let view, _) where flight.fetched == nil:
            let target = journal.results(flight.number)
            return { .fetched(await Self.fetch(view, to: target, caller)) }
        default: return nil
        }
    }

    /// Whether the batch is so long overdue that the provider must have lost it.
    private static func isOverdue(_ view: BatchView, _ now: Int) -> Bool {
        view.end == nil && view.expires > 0 && now - view.expires > graceSeconds
    }

    /// Maximum time from a batch's expiry to its end, in seconds.
    private static let graceSeconds = 3600

    private static func fetch(_ view: BatchView, to target: String, _ caller: BatchCaller) async -> FetchedResults {
        var results = FetchedResults()
        for (index, path) in view.results.enumerated() {
            let file = "\(target).\(index)"
            results.files.append(file)
            results.trouble = await caller.download(path, to: file)
            if results.trouble != nil { break }
        }
        return results
    }
}

extension BatchFlight {
    /// Whether its action is a call to the provider.
    var makesCall: Bool {
        switch action {
        case .findFile, .upload, .findBatch, .create, .look, .cancel: true
        case .collect: fetched == nil
        case .note, .release, .wait, .finished, .stopped: false
        }
    }
}
