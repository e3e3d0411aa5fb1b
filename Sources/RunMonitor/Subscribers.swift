import Basics
import HTTPServer

/// The readers of the page's events. Any thread.
final class Subscribers: Sendable {
    private let streams = Locked<[PieceStream]>([])

    /// Maximum open pages; a further one is told to come back later.
    static let countMax = 32

    /// A stream for another reader, beginning with `first`; nil if there are too many.
    func add(_ first: [UInt8]) -> PieceStream? {
        let stream = PieceStream()
        let isTaken = streams.withLock { streams in
            streams.removeAll { !$0.isOpen }
            guard streams.count < Self.countMax else { return false }
            streams.append(stream)
            return true
        }
        guard isTaken else { return nil }
        stream.write(first)
        return stream
    }

    var isEmpty: Bool { streams.withLock { $0.isEmpty } }

    /// Writes to each reader, and removes those that have gone or are too slow.
    func send(_ event: [UInt8]) {
        let open = streams.withLock { $0 }
        let gone = open.filter { !$0.write(event) }
        guard !gone.isEmpty else { return }
        streams.withLock { streams in streams.removeAll { stream in gone.contains { $0 === stream } } }
    }

    func finish() {
        for stream in streams.withLock({ $0 }) { stream.finish() }
    }
}
