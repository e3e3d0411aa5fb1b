package import Basics
import Dataset
package import PromptSource
package import SegmentStore
package import StageSource

/// A note in the run's store about how far its source store has been read: every row before that position has its
/// outcome.
package enum SourceNote {
    package static let name = "source_read_to"

    package static func text(_ position: SourcePosition, _ input: InputSet) -> String {
        "\(identity(input)) \(position.text)"
    }

    private static func identity(_ input: InputSet) -> String {
        let hash = input.identityHash
        return Hexadecimal.string(hash.high) + Hexadecimal.string(hash.low)
    }

    /// Where reading may begin: after what was read before, if all records of the store belong to this input.
    package static func position(
        in manifest: StoreManifest, _ input: InputSet, _ settings: RunSettings, _ standing: InputStanding
    ) -> SourcePosition {
        guard input.isStore, settings.rows.isWhole, !settings.rows.selection.mayChange, case .sole = standing,
            manifest.input?.identity == identity(ofMark: input), settings.samples == manifest.samples,
            let note = manifest.notes?[name]
        else { return .start }
        let parts = note.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0] == identity(input) else { return .start }
        return SourcePosition(parts[1]) ?? .start
    }

    private static func identity(ofMark input: InputSet) -> String {
        let mark = InputMark.sole.mark(input.identityHash)
        return Hexadecimal.string(mark.high) + Hexadecimal.string(mark.low)
    }
}

/// Advances a store's note during a run. Any thread.
package final class SourceKeeper: Sendable {
    private struct State {
        var trail = PositionTrail()
        /// Every row before this position has its outcome; nil if no such position is known.
        var reached: SourcePosition?
        var saved = Instant.now
    }

    private let store: RecordStore
    private let input: InputSet
    private let issued: IssuedKeys
    /// Whether the note may be written before the run ends.
    private let isTrusted: Bool
    private let state = Locked(State())

    /// Minimum interval between two notes: each is an fsync.
    package static let interval = Interval.seconds(5)

    package init(_ store: RecordStore, _ input: InputSet, issued: IssuedKeys, isTrusted: Bool) {
        self.store = store
        self.input = input
        self.issued = issued
        self.isTrusted = isTrusted
    }

    /// Notes that rows up to this position were read; later rows come after it.
    package func pass(_ position: SourcePosition) throws(RetortError) {
        let isDue = state.withLock { state in
            state.trail.pass(position)
            guard Instant.now - state.saved >= Self.interval || state.trail.isLong else { return false }
            state.saved = .now
            advance(&state)
            return true
        }
        if isDue, isTrusted { try write() }
    }

    package func handOut(_ items: [Hash128]) { state.withLock { $0.trail.handOut(items) } }

    /// Stores how far the input is done. The outcomes before that position are made durable first.
    package func save() throws(RetortError) {
        state.withLock { advance(&$0) }
        try write()
    }

    private func advance(_ state: inout State) {
        if let position = state.trail.advance(isOnItsWay: { issued.contains($0) }) { state.reached = position }
    }

    private func write() throws(RetortError) {
        guard let position = state.withLock({ $0.reached }) else { return }
        try store.sync()
        try store.note(SourceNote.name, SourceNote.text(position, input))
    }
}

/// How a run reads a source store.
package struct SourceReading: Sendable {
    /// Where reading begins.
    package var position = SourcePosition.start
    /// Stores the progress; nil for files, and for a part of the rows.
    package var keeper: SourceKeeper?
    /// Says when the store gets no more records; nil: only its current records are read.
    package var watch: SourceWatch?
    /// For several stores that form a row together: one watch each, by name.
    package var watches: [String: SourceWatch] = [:]

    /// For files.
    package static let none = SourceReading()
}
