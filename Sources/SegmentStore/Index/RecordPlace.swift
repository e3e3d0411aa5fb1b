/// Where a record stands in its lane.
struct RecordPlace: Hashable, Comparable {
    var segment: UInt32
    var offset: UInt32
    var record: UInt16

    static func < (a: RecordPlace, b: RecordPlace) -> Bool {
        (a.segment, a.offset, a.record) < (b.segment, b.offset, b.record)
    }
}

extension IndexEntry {
    /// Orders the records of a lane as they were written; what is in the journal comes last.
    var place: RecordPlace { RecordPlace(segment: segment, offset: offset, record: record) }
}
