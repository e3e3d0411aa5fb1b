package import Basics
package import CommandLine
package import Dataset
import Glibc
import ResponseGenerator
package import SegmentStore
package import SharedLimit

/// A limit shared with other processes, in the generator's form.
package struct ClientAllowance: SharedAllowance {
    package let client: LimitClient

    package func ready(tokens: Int, at now: Instant) -> Instant? { client.ready(tokens: tokens, at: now) }
    package func take(tokens: Int, at now: Instant) { client.take(tokens: tokens, at: now) }
    package func departed(taken: Instant, at now: Instant) { client.departed(taken: taken, at: now) }
    package func settle(reserved: Int, used: Int) { client.settle(reserved: reserved, used: used) }
    package func refused(pause: Interval) { client.refused(pause: pause) }
    package var moneyLimit: Int? { client.moneyLimit }
    package func wantMoney(needed: Int, wanted: Int) -> Bool { client.wantMoney(needed: needed, wanted: wanted) }
    package func onLease(_ wake: @escaping @Sendable () -> Void) { client.onLease(wake) }
}

extension RunSettings {
    /// Connects to the limiter, if there is one: its limits must be known before planning.
    package mutating func connectLimiter(_ messages: MessageStream, isQuiet: Bool) throws(RetortError) {
        guard let limit else { return }
        let client = try limit.connect { if !isQuiet { messages.line(CellWidth.sanitized($0)) } }
        limitClient = client
        guard let money = client.terms.moneyMax else { return }
        pricing.share(money)
        try pricing.checkBudget(builder)
    }
}

extension RunSession {
    /// The limiter's name for this store. A copy of a store spends on its own, so the directory is part of the name; a
    /// store that was moved to another disk is counted twice, never too little.
    private func clientName(_ store: RecordStore) -> String {
        var status = stat()
        guard stat(store.root, &status) == 0 else { return store.manifest.store }
        return "\(store.manifest.store)-\(Hexadecimal.string(UInt64(status.st_ino)))"
    }

    /// Starts taking part in a shared limit, as this store's client. Nil if there is none.
    package func startSharing(_ store: RecordStore, _ spending: Spending) -> ClientAllowance? {
        guard let client = settings.limitClient else { return nil }
        let (messages, isQuiet) = (messages, isQuiet)
        client.start(client: clientName(store), spentMax: spending.total) { notice in
            if !isQuiet { messages.line(CellWidth.sanitized(notice)) }
        }
        return ClientAllowance(client: client)
    }
}

extension Spending {
    /// The maximum that was spent.
    package var total: Int { recorded.addingSaturated(uncertainMax) }
}
