import Basics

/// Where a record comes from: the store that it was written to, and the input whose row it answers.
struct RecordOrigin: Codable, Sendable, Hashable {
    /// 16 hexadecimal digits.
    var store: String
    /// 16 hexadecimal digits: the high half of the input's identity; nil where it is not known.
    var input: String?

    /// Whether a key means one row in both. A store, its copies and what they became share their store; a store that was
    /// made for the same input names its rows alike.
    func isSame(as other: RecordOrigin) -> Bool {
        store == other.store || input != nil && input == other.input
    }
}

/// Which records of a merged store came from where: `lineage` in its manifest. Records beyond `end` are its own.
struct Lineage: Codable, Sendable, Hashable {
    /// The records from this sequence number on, up to the next span's.
    struct Span: Codable, Sendable, Hashable {
        var from: UInt64
        /// Position in `origins`.
        var origin: Int
    }

    var origins: [RecordOrigin] = []
    /// By the lane's name.
    var spans: [String: [Span]] = [:]
    var end: [String: UInt64] = [:]

    /// Notes that the records of a lane from a number on come from there.
    mutating func note(_ origin: RecordOrigin, in lane: Lane, from sequence: UInt64) {
        let known = origins.firstIndex(of: origin)
        let index = known ?? origins.count
        if known == nil { origins.append(origin) }
        if spans[lane.directoryName]?.last?.origin == index { return }
        spans[lane.directoryName, default: []].append(Span(from: sequence, origin: index))
    }
}

/// The origins of a lane's records, by their numbers and by their places.
struct LaneOrigins: Sendable {
    /// In order; the first begins at 0.
    private let spans: [(from: UInt64, origin: RecordOrigin)]
    /// Where each span but the first begins.
    private var places: [RecordPlace] = []

    init(_ lane: Lane, _ image: StoreImage) throws(RetortError) {
        spans = Self.spans(lane, image.manifest)
        try locate(lane, image)
    }

    var all: [RecordOrigin] { spans.map(\.origin) }

    func origin(of sequence: UInt64) -> RecordOrigin {
        spans.last { $0.from <= sequence }?.origin ?? spans[0].origin
    }

    /// Of what is in a journal only: the last one.
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
        // Of spans that begin alike the last one has the records; the first one begins with the lane.
        var tidy: [(from: UInt64, origin: RecordOrigin)] = []
        for span in spans.sorted(by: { $0.from < $1.from }) {
            if tidy.last?.from == span.from { tidy.removeLast() }
            tidy.append(span)
        }
        tidy[0].from = 0
        return tidy
    }

    /// Finds where the spans begin, by the headers of the blocks.
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
