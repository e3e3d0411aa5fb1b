import Basics

/// The requests that wait for a reply. Slots are reused, so that a request costs no allocation.
struct RequestsInProgress {
    /// Only what is displayed: storing a whole request would cost five reference counts.
    struct Request {
        var began: Instant
        var path: String
        var body: [UInt8]
    }

    private struct Slot {
        var began = Instant(nanoseconds: 0)
        var path = ""
        /// Nil while the slot is free.
        var body: [UInt8]?
        /// How many requests have used the slot. It distinguishes a stale number from a current one.
        var uses: UInt32 = 0
        /// Of a free slot: the slot to use after it.
        var nextFree: Int
    }

    private var slots: [Slot] = []
    /// The slot to use next; `slots.count` if none is free.
    private var free = 0
    /// Texts of requests that were displayed as slow, by number, so that each body is parsed once.
    private var texts: [UInt64: String] = [:]

    /// Returns the request's number.
    mutating func add(_ path: String, _ body: [UInt8], at now: Instant) -> UInt64 {
        let slot = free
        if slot == slots.count { slots.append(Slot(nextFree: slot + 1)) }
        let uses = slots[slot].uses &+ 1
        free = slots[slot].nextFree
        slots[slot] = Slot(began: now, path: path, body: body, uses: uses, nextFree: 0)
        return Self.number(slot, uses)
    }

    mutating func remove(_ number: UInt64) {
        guard let slot = slot(of: number) else { return }
        slots[slot].body = nil
        slots[slot].nextFree = free
        free = slot
        if !texts.isEmpty { texts[number] = nil }
    }

    /// The numbers of the requests that have been in progress longest, the oldest first.
    func oldest(_ count: Int) -> [UInt64] {
        var oldest: [Int] = []
        for slot in slots.indices where slots[slot].body != nil {
            let began = slots[slot].began
            let rank = oldest.lastIndex { slots[$0].began <= began }.map { $0 + 1 } ?? 0
            guard rank < count else { continue }
            oldest.insert(slot, at: rank)
            if oldest.count > count { oldest.removeLast() }
        }
        return oldest.map { Self.number($0, slots[$0].uses) }
    }

    /// Nil if it is no longer in progress.
    func request(_ number: UInt64) -> Request? {
        guard let slot = slot(of: number), let body = slots[slot].body else { return nil }
        return Request(began: slots[slot].began, path: slots[slot].path, body: body)
    }

    func text(of number: UInt64) -> String? { texts[number] }

    mutating func keep(_ text: String, of number: UInt64) {
        if slot(of: number) != nil { texts[number] = text }
    }

    private static func number(_ slot: Int, _ uses: UInt32) -> UInt64 { UInt64(uses) << 32 | UInt64(slot) }

    private func slot(of number: UInt64) -> Int? {
        let slot = Int(number & UInt64(UInt32.max))
        guard slot < slots.count, slots[slot].uses == UInt32(number >> 32), slots[slot].body != nil else {
            return nil
        }
        return slot
    }
}
