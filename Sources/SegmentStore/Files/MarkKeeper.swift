import Basics

/// Keeps the mark of an open store, in memory and in `MARK`.
///
/// A value is never written over a slot that is the newest, durable, or being made durable: whatever happens to the
/// write, these three are intact. The file is created as a whole, durable, with its first value, and so is its
/// replacement when a sync of the old one has failed.
final class MarkKeeper: Sendable {
    private struct State {
        var file: (any StoreFile)?
        var value: Int64 = 0
        var generation: UInt64 = 0
        /// Slots by their number.
        var newest = 0
        var durable = 0
        var syncing: Int?
        /// The file's content may never reach the disk, and it is not synced again.
        var isDistrusted = false
    }

    private let layout: StoreLayout
    private let files: any FileSystem
    private let storeID: UInt64
    private let syncs: Bool
    private let state: Locked<State>

    /// Makes the value found durable: the process that wrote it may have died before it was.
    init(_ context: StoreContext, syncs: Bool) throws(RetortError) {
        layout = context.layout
        files = context.files
        storeID = context.storeID
        self.syncs = syncs
        var state = State()
        if let (number, slot) = try MarkSlot.read(layout, storeID: storeID, files: files) {
            state.value = slot.value
            state.generation = slot.generation
            (state.newest, state.durable) = (number, number)
            do throws(RetortError) {
                let file = try files.open(layout.mark, .readWrite)
                // Only pages that are written are synced: an earlier sync may have failed.
                try file.write(slot.encoded(storeID: storeID), at: number * MarkSlot.stride)
                if syncs { try file.syncData() }
                state.file = file
            } catch {
                state.isDistrusted = true
            }
        }
        self.state = Locked(state)
    }

    var value: Int64 { state.withLock { $0.value } }

    /// When it returns, the value survives the process.
    func set(_ value: Int64) throws(RetortError) {
        try state.withLock { state throws(RetortError) in
            if value == state.value { return }
            guard let file = state.file, !state.isDistrusted, state.generation < MarkSlot.generationMax else {
                return try renew(&state, value)
            }
            let taken = [state.newest, state.durable, state.syncing]
            let number = (0..<MarkSlot.slots).first { !taken.contains($0) } ?? 0
            let slot = MarkSlot(generation: state.generation + 1, value: value)
            try file.write(slot.encoded(storeID: storeID), at: number * MarkSlot.stride)
            state.value = value
            state.generation = slot.generation
            state.newest = number
        }
    }

    /// Replaces the file by a new, durable one.
    private func renew(_ state: inout State, _ value: Int64) throws(RetortError) {
        // Slots of the old file do not count: generations may restart.
        let generation = state.generation < MarkSlot.generationMax ? state.generation + 1 : 1
        let slot = MarkSlot(generation: generation, value: value)
        try files.replace(layout.mark, with: slot.file(storeID: storeID), in: layout.root)
        state = State(file: try files.open(layout.mark, .readWrite), value: value, generation: generation)
    }

    /// Makes the newest value durable. After an error the file is not synced again: the next call writes a new one.
    func sync() throws(RetortError) {
        let file = try state.withLock { state throws(RetortError) -> (any StoreFile)? in
            if state.isDistrusted { try renew(&state, state.value) }
            guard syncs, state.newest != state.durable else { return nil }
            state.syncing = state.newest
            return state.file
        }
        guard let file else { return }
        do throws(RetortError) {
            try file.syncData()
            state.withLock { state in
                // Applies only to this file, not to a replacement.
                if let synced = state.syncing { state.durable = synced }
                state.syncing = nil
            }
        } catch {
            state.withLock { state in
                state.isDistrusted = true
                state.syncing = nil
            }
            throw error
        }
    }
}
