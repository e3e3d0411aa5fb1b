import Basics

/// The origins of a lane's records, by sequence number and by position.
struct LaneOrigins: Sendable {
    /// In order; the first begins at 0.
    private let spans: [(from: UInt64, origin: RecordOrigin)]
    /// Where each span except the first begins.
    private var places: [RecordPlace] = []

    init(_ lane: Lane, _ image: StoreImage) throws(RetortError) {
        spans = Self.spans(lane, image.manifest)
        try locate(lane, image)
    }

    var all: [RecordOrigin] { spans.map(\.origin) }

    func origin(of sequence: UInt64) -> RecordOrigin {
        spans.last { $0.from <= sequence }?.origin ?? spans[0].origin
    }

    /// For a record in a journal only: the last one.
    func origin(at place: RecordPlace) -> RecordOrigin { spans[places.count { $0 <= place }].origin }

    private static func spans(_ lane: Lane, _ manifest: StoreManifest) -> [(from: UInt64, origin: RecordOrigin)] {
        var spans: [(from: UInt64, origin: RecordOrigin)] = []
        let lineage = manifest.lineage
        for span in lineage?.spans[lane.directoryName] ?? [] {
            guard let origins = lineage?.origins, origins.indices.contains(span.origin) else { continue }
            spans.append((span.from, origins[span.origin]))
        }
        let own = lineage?.end[lane.directoryName] ?? 0
        let since = max(own, manifest.inputSince[Int(lane.rawValue)])
        if since > own || manifest.input?.identityHash == nil {
            spans.append((own, RecordOrigin(store: manifest.store, input: nil)))
        }
        if let identity = manifest.input?.identityHash {
            spans.append((since, RecordOrigin(store: manifest.store, input: Hexadecimal.string(identity.high))))
        }
        // Of spans with the same start the last one has the records; the first one begins with the lane.
        var tidy: [(from: UInt64, origin: RecordOrigin)] = []
        for span in spans.sorted(by: { $0.from < $1.from }) {
            if tidy.last?.from == span.from { tidy.removeLast() }
            tidy.append(span)
        }
        tidy[0].from = 0
        return tidy
    }

    /// Finds the positions of the spans from the headers of the blocks.
    private mutating func locate(_ lane: Lane, _ image: StoreImage) throws(RetortError) {
        var rest = spans.dropFirst()[...]
        for (number, end) in try image.segmentEnds(lane) where !rest.isEmpty {
            let reader = try image.context.segment(lane, number)
            var offset = 0
            while offset < end, let next = rest.first, let header = try reader.header(at: offset) {
                if next.from < header.nextSequence {
                    let record = UInt16(
                        clamping: next.from > header.firstSequence ? next.from - header.firstSequence : 0)
                    places.append(RecordPlace(segment: number, offset: UInt32(offset), record: record))
                    rest = rest.dropFirst()
                } else {
                    offset = header.end
                }
            }
        }
        // The others begin in the journal.
        for _ in rest {
            places.append(RecordPlace(segment: IndexEntry.segmentOfJournal, offset: 0, record: 0))
        }
    }
}
