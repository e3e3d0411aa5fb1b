package import Basics
package import BatchDelivery
import CommandLine
import Glibc

/// Messages about batches.
package enum BatchText {
    package static func adopted(_ standing: BatchStanding) -> String {
        let requests = Human.plural(standing.plan.requests, "request")
        guard let id = standing.batch else {
            return "batch \(standing.number): \(requests), not confirmed by the provider; looking for it there"
        }
        return "batch \(standing.number): \(requests), in progress as \(id)"
    }

    /// Nil if it is not worth a line.
    package static func line(_ stage: BatchStage, _ standing: BatchStanding, now: Int) -> String? {
        let name = "batch \(standing.number)"
        switch stage {
        case .planned, .uploaded, .postponed, .overtaken, .counted: return nil
        case .creating:
            return standing.creations < 2
                ? nil
                : "\(name): the provider still does not list it after minutes; it is created again (if both come to "
                    + "light, it is paid twice)"
        case .created(let id):
            let requests = Human.plural(standing.plan.requests, "request")
            return "\(name): \(requests) submitted as \(CellWidth.sanitized(id))"
        case .foreign(let id):
            return "\(name): \(CellWidth.sanitized(id)) is another batch of the account; looking on"
        case .seen: return "\(name): " + state(standing, now: now)
        case .ended(let how): return how == "failed" ? nil : "\(name): \(how) at the provider; reading its results"
        case .collected("late"): return "\(name): not submitted in time; its rows go live"
        case .collected: return "\(name): its results are in the store"
        }
    }

    /// A batch's state: `120 of 500 answered, 3 failed; 12 minutes old, expires in 23 hours`.
    package static func state(_ standing: BatchStanding, now: Int) -> String {
        var text: String
        if standing.batch == nil {
            text = standing.isCreating ? "submitted, not confirmed" : "planned, not submitted"
            text += ", \(Human.plural(standing.plan.requests, "request"))"
        } else {
            let done = Human.count(standing.succeeded.addingSaturated(standing.failed))
            text = "\(done) of \(Human.plural(standing.plan.requests, "request")) done"
            if standing.failed > 0 { text += ", \(Human.count(standing.failed)) failed" }
            if let end = standing.end { text += ", \(end) at the provider" }
        }
        let age = max(0, now - (standing.created ?? standing.planned))
        text += "; \(Human.duration(.seconds(Double(age)))) old"
        if standing.overtaken != nil { text += ", its rows were sent live" }
        if standing.end == nil, standing.expires > 0 {
            let left = standing.expires - now
            text += left > 0 ? ", expires in \(Human.duration(.seconds(Double(left))))" : ", past its expiry"
        }
        return text
    }

    package static func queueFull(_ number: Int, _ words: String) -> String {
        "batch \(number): the provider's queue is full; trying again later (\(CellWidth.sanitized(words))). If it "
            + "never fits, end the run and start it again with a smaller --batch-requests or --batch-tokens"
    }

    package static func gone(_ number: Int) -> String {
        "batch \(number): the provider does not know it any more; its rows are sent again"
    }

    package static func overdue(_ number: Int) -> String {
        "batch \(number): an hour past its expiry and not ended; it is cancelled, and the next run sends what is left"
    }

    package static func cut(_ count: Int) -> String {
        "the time of batches is over: \(count == 1 ? "1 batch is" : "\(Human.count(count)) batches are") cancelled, and "
            + "what has not come back goes live"
    }

    package static func overtaken(_ number: Int, rows: Int, cost: Int) -> String {
        "batch \(number): the provider has not ended it in time; its \(Human.plural(rows, "row")) "
            + "\(rows == 1 ? "is" : "are") sent live, and may be paid twice"
            + (cost > 0 ? ", which costs at most \(Human.dollars(Money.dollars(cost)))" : "")
    }

    package static let busy = "the provider limits the rate (429); trying again"

    package static func trouble(_ number: Int, _ error: RetortError) -> String {
        let cause = error.cause.map { ": \($0)" } ?? ""
        return "batch \(number): \(CellWidth.sanitized(error.message + cause)); trying again"
    }

    /// What continues at the provider without this process.
    package static func leaving(_ open: [BatchStanding]) -> String? {
        guard !open.isEmpty else { return nil }
        let isSent = open.contains(where: \.isSubmitted)
        let requests = open.reduce(0) { $0.addingSaturated($1.plan.requests) }
        return "\((open.count == 1 ? "1 batch" : "\(Human.count(open.count)) batches")) with "
            + "\(Human.plural(requests, "request")) "
            + (isSent ? "continues at the provider; the same command picks up the results" : "waits to be sent")
    }
}

/// Files beside the batch journal.
package enum BatchFiles {
    /// Removes packs that were never sent, and results that were being read when the process was killed.
    package static func removeLeftovers(_ directory: String) {
        guard let stream = opendir(directory) else { return }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name.hasPrefix("packing-") || name.contains(".results.jsonl.") { names.append(name) }
        }
        for name in names { unlink("\(directory)/\(name)") }
    }
}
