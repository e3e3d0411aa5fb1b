import SegmentStore

/// How commands open stores for reading.
enum StoreAccess {
    static var options: StoreOptions {
        var options = StoreOptions()
        options.recount = RecordTallies.recounter()
        return options
    }
}
