/// The position of a record in its lane.
struct RecordPlace: Hashable, Comparable {
    var segment: UInt32
    var offset: UInt32
    var record: UInt16

    static func < (a: RecordPlace, b: RecordPlace) -> Bool {
        (a.segment, a.offset, a.record) < (b.segment, b.offset, b.record)
    }
}

extension IndexEntry {
    /// Orders a lane's records as they were written; those in the journal come last.
    var place: RecordPlace { RecordPlace(segment: segment, offset: offset, record: record) }
}
