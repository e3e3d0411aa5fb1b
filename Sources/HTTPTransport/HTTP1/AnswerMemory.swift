internal import Basics
internal import Glibc

/// Remembers the bodies of a server's answers by their hashes, so that a second copy of one is not taken for the answer
/// to a later request on its connection. Confined to the loop.
///
/// A server may also send the same text to different requests. That is learned safely: from the first answers of two
/// connections, which cannot be copies, or from a connection that stayed silent after a repeated answer.
final class AnswerMemory {
    enum Finding: Equatable {
        case new
        /// The connection has brought the same answer before, and the server is not known to repeat it.
        case repeated
    }

    /// Hashes, in sets of four, each with the newest first.
    private let slots: UnsafeMutablePointer<UInt64>
    /// Answers that the server is known to send to different requests.
    private var repeatable: Set<UInt64> = []
    /// The server repeats so many answers that repetition proves nothing.
    private(set) var isIndifferent = false

    init() {
        let count = AnswerMemory.slotCount
        guard let memory = calloc(count, MemoryLayout<UInt64>.size) else { fatalError("out of memory") }
        slots = memory.bindMemory(to: UInt64.self, capacity: count)
    }

    deinit {
        free(slots)
    }

    /// Notes an answer by the hash of its body and status. `isFirst`: the first one of its connection.
    func note(_ hash: UInt64, connection: UInt64, isFirst: Bool) -> Finding {
        guard !isIndifferent else { return .new }
        if isFirst, insert(hash) { learn(hash) }
        // Multiplied by an odd constant, so that the numbers of connections share no pattern.
        let isRepeated = insert(hash ^ connection &* 0x9E37_79B9_7F4A_7C15)
        return isRepeated && !repeatable.contains(hash) ? .repeated : .new
    }

    /// Notes that the server sends this answer to different requests.
    func learn(_ hash: UInt64) {
        repeatable.insert(hash)
        guard repeatable.count > AnswerMemory.repeatableMax else { return }
        isIndifferent = true
        repeatable = []
    }

    /// Returns whether it was present. The oldest of its set is removed.
    private func insert(_ hash: UInt64) -> Bool {
        let set = slots + 4 * Int(truncatingIfNeeded: hash & UInt64(AnswerMemory.slotCount / 4 - 1))
        if set[0] == hash || set[1] == hash || set[2] == hash || set[3] == hash { return true }
        (set[0], set[1], set[2], set[3]) = (hash, set[0], set[1], set[2])
        return false
    }

    /// Half a megabyte: the last second at 50,000 answers per second. A power of two.
    static let slotCount = 1 << 16
    /// Number of repeated texts from which repetition proves nothing.
    static let repeatableMax = 1024
}
