package import Basics
import Dataset
package import PromptSource
package import SegmentStore
package import StageSource

/// How far the store that is an input has been read, kept in the store of the run: before that place every row has its
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

    /// Where reading may begin: behind what was read before, if all records of the store are of this very input.
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

/// Moves a store's note on while a run goes. Any thread.
package final class SourceKeeper: Sendable {
    private struct State {
        var trail = PositionTrail()
        /// Before it every row has its outcome; nil where that is not known of any place yet.
        var reached: SourcePosition?
        var saved = Instant.now
    }

    private let store: RecordStore
    private let input: InputSet
    private let issued: IssuedKeys
    /// Whether the note may be written before the run has ended.
    private let isTrusted: Bool
    private let state = Locked(State())

    /// The least time between two notes: each is a sync.
    package static let interval = Interval.seconds(5)

    package init(_ store: RecordStore, _ input: InputSet, issued: IssuedKeys, isTrusted: Bool) {
        self.store = store
        self.input = input
        self.issued = issued
        self.isTrusted = isTrusted
    }

    /// Rows up to this position were read, and the next ones come from behind it.
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

    /// Notes how far the input is done. What the note vouches for is durable before.
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

/// How a run reads its input where that is a store.
package struct SourceReading: Sendable {
    /// Where reading begins.
    package var position = SourcePosition.start
    /// Keeps how far it is; nil for files, and for a part of the rows.
    package var keeper: SourceKeeper?
    /// Says when the store gets no more records; nil: what it holds when the run begins is read.
    package var watch: SourceWatch?
    /// The same of all stores that make a row together, by their names.
    package var watches: [String: SourceWatch] = [:]

    /// Of files.
    package static let none = SourceReading()
}
