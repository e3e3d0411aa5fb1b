public import Basics

/// The input that a store's rows belong to.
extension RecordStore {
    /// Which rows of the input have outcomes, and where reading may resume. Valid for the input of that identity.
    public var inputProgress: InputProgress { index.withLock { $0.inputProgress() } }

    /// States which input, and which part of it, the rows of future records belong to. Progress in another input is
    /// forgotten.
    public func beginInput(
        identity: Hash128, files: [String], part: StoreManifest.Part? = nil
    ) throws(RetortError) {
        let text = Hexadecimal.string(identity.high) + Hexadecimal.string(identity.low)
        if index.withLock({ $0.input.identity }) == identity, manifest.input?.identity == text { return }
        // Rows of another part of the same input have the same numbers.
        let before = manifest.input
        let isSameInput = before?.identityHash?.high == identity.high && before?.since != nil
        let since =
            isSameInput ? manifest.inputSince : buffers.withLock { buffers in buffers.map(\.block.nextSequence) }
        try sealing.updateManifest { manifest in
            var input = StoreManifest.Input(identity: text, files: files, part: part)
            input.since = [:]
            for lane in Lane.allCases { input.since![lane.directoryName] = since[Int(lane.rawValue)] }
            manifest.input = input
        }
        index.withLock { $0.setInput(identity: identity, since: since) }
    }

    /// States the number of the input's rows, once it has been read to its end.
    public func endInput(rows: UInt64) throws(RetortError) {
        guard manifest.input?.rows != rows else { return }
        try sealing.updateManifest { $0.input?.rows = rows }
    }

    /// As above for a shard: its rows, those of the whole input, and how many of its items have their outcome in
    /// another store.
    public func endInput(rows: UInt64, of whole: UInt64, elsewhere: UInt64) throws(RetortError) {
        let part = manifest.input?.part
        guard manifest.input?.rows != rows || part?.rows != whole || part?.elsewhere != elsewhere else { return }
        try sealing.updateManifest { manifest in
            manifest.input?.rows = rows
            manifest.input?.part?.rows = whole
            manifest.input?.part?.elsewhere = elsewhere
        }
    }

    /// A row that belongs to another shard: it gets no outcome here, so it holds back no landmark.
    public func noteRowOfAnotherShard(_ row: UInt64) { index.withLock { $0.noteRowOfAnotherShard(row) } }

    /// Adds a position from which the input can be read again once all rows before it have outcomes.
    public func noteLandmark(_ landmark: InputLandmark) { index.withLock { $0.noteLandmark(landmark) } }
}
