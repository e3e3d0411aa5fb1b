/// What waits to be sealed. Each record costs memory in the index's table in addition to its own bytes, so both are
/// counted.
struct SealBacklog {
    private var bytes = 0
    private var records = 0

    mutating func add(_ block: RawBlock) {
        bytes += block.raw.count
        records += block.hints.count
    }

    mutating func remove(_ block: RawBlock) {
        bytes -= block.raw.count
        records -= block.hints.count
    }

    /// Whether appending should pause.
    var isLong: Bool { bytes > StoreLimits.sealQueueBytesMax || records > StoreLimits.sealQueueRecordsMax }

    /// Whether appending may resume.
    var isShort: Bool { bytes < StoreLimits.sealQueueBytesMax / 2 && records < StoreLimits.sealQueueRecordsMax / 2 }
}
