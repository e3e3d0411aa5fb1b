import Basics
import CommandLine
import SegmentStore

/// Prints from time to time how much of a store's segments is done. Short work prints nothing.
final class StoreWorkProgress {
    private let messages: MessageStream
    private let isQuiet: Bool
    private let began = Instant.now
    private var last = Instant.now

    /// Time between two lines.
    static let lineInterval = Interval.seconds(5)

    init(_ messages: MessageStream, isQuiet: Bool) {
        self.messages = messages
        self.isQuiet = isQuiet
    }

    func callAsFunction(_ progress: StoreProgress) {
        let now = Instant.now
        guard !isQuiet, now - last >= Self.lineInterval else { return }
        last = now
        messages.line(Self.text(progress, elapsed: now - began))
    }

    static func text(_ progress: StoreProgress, elapsed: Interval) -> String {
        let rate = Int(Double(progress.bytes) / max(elapsed.seconds, 1e-9))
        return "\(Human.bytes(progress.bytes)) of \(Human.bytes(progress.totalBytes)) "
            + "(\(Human.percent(progress.bytes, of: progress.totalBytes)), \(Human.bytes(rate))/s)"
    }
}
