package import Basics
import Dataset
package import ModelAPI
package import PromptSource
package import ResponseGenerator
package import SegmentStore
import StageSource

/// A run whose input is a store.
extension RunSession {
    /// - Parameter noted: the manifest before this run registered its input in the store.
    package func reading(
        _ input: InputSet, _ store: RecordStore, _ standing: InputStanding, noted: StoreManifest, _ issued: IssuedKeys
    ) -> SourceReading {
        guard input.isStore else { return .none }
        var reading = SourceReading()
        reading.watch = stage?.source
        reading.watches = stage?.watches ?? [:]
        reading.position = SourceNote.position(in: noted, input, settings, standing)
        guard settings.rows.isWhole, settings.samples == noted.samples, !settings.rows.selection.mayChange else {
            return reading
        }
        reading.keeper = SourceKeeper(store, input, issued: issued, isTrusted: !standing.isMixed)
        return reading
    }

    /// The transport, limited by the windows that the stages of a pipeline share.
    package func gated(_ transport: any ModelTransport) -> any ModelTransport {
        stage?.gated(transport, settings) ?? transport
    }

    /// Supersedes outcomes whose source records do not exist at the moment: their items are sent again, with another
    /// answer.
    package func supersedeOrphans(_ input: InputSet, _ revision: StoreRevision) throws(RetortError) {
        guard let root = input.files.first?.path else { return }
        let source = try StoreReader(root, options: StoreAccess.options)
        let own = try StoreReader(settings.out, options: StoreAccess.options)
        let samples = source.manifest.samples
        for lane in [Lane.responses, .failures] {
            try own.forEach(lane) { record throws(RetortError) in
                let name = ItemName.before(settings.rows.selection.generation, record.head.key.id)
                let entry = try source.lookup(ItemName.key(of: name, samples: samples))
                let isThere = entry.map { settings.rows.selection.lanes.contains($0.recordStatus.lane) } ?? false
                guard !isThere, let orphan = try own.lookup(record.head.key.hash) else { return }
                try revision.supersede(orphan)
            }
        }
    }

    /// Stores how far the input was read. If every record of the store belongs to this input, the store belongs to this
    /// input alone from now on.
    package func noteEnd(
        of reading: SourceReading, _ input: InputSet, _ store: RecordStore, _ standing: InputStanding, isWhole: Bool,
        _ summary: RunSummary, _ reached: RunStanding
    ) throws(RetortError) {
        if settings.route != nil, reached.pending == 0 { try DeadlineNote.remove(from: store) }
        guard let keeper = reading.keeper else { return }
        if standing.isMixed {
            guard isWhole, summary.ending == .completed, reached.pending == 0, reached.foreign == 0,
                let rows = store.manifest.input?.rows
            else { return }
            try store.sync()
            try store.beginInput(
                identity: InputMark.sole.mark(input.identityHash), files: input.files.map(\.displayName))
            try store.endInput(rows: rows)
        }
        try keeper.save()
    }
}
