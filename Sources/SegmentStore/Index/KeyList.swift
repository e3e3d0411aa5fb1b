import Basics

/// Keys that are added in any order and looked up later, in bounded memory: sorted parts go to disk as runs.
struct KeyList {
    private let layout: StoreLayout
    private let files: any FileSystem
    private let entriesMax: Int
    private var table = DeltaTable()
    private var runs: [Run] = []

    /// Numbers of the list's runs start at `firstRun`, in the layout's scratch directory.
    private let firstRun: UInt64

    init(firstRun: UInt64, layout: StoreLayout, files: any FileSystem, entriesMax: Int) {
        self.firstRun = firstRun
        self.layout = layout
        self.files = files
        self.entriesMax = entriesMax
    }

    mutating func note(_ entry: IndexEntry) throws(RetortError) {
        table.insert(entry)
        guard table.count >= entriesMax else { return }
        let number = firstRun + UInt64(runs.count)
        runs.append(
            try Run.write(
                ArrayCursor(sorting: table.entries), Run.Form(lane: .responses, number: number), layout, files))
        table = DeltaTable()
    }

    func contains(_ hash: Hash128) throws(RetortError) -> Bool { try entry(hash) != nil }

    /// The data added for a key.
    func entry(_ hash: Hash128) throws(RetortError) -> IndexEntry? {
        if let entry = table[hash] { return entry }
        for run in runs {
            if let entry = try run.lookup(hash) { return entry }
        }
        return nil
    }

    /// Whether nothing was added.
    var isEmpty: Bool { table.count == 0 && runs.isEmpty }
}
