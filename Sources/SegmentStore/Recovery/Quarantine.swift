import Basics

/// The directory of bytes that were cut out of segments: kept for people to look at, read by no part of the store.
///
/// A file is named after the place that its bytes had and after their hash, so that a repair that is begun again
/// writes the same files, and none takes the place of another.
struct Quarantine {
    let layout: StoreLayout
    let files: any FileSystem
    private(set) var count = 0
    private(set) var bytes = 0

    init(layout: StoreLayout, files: any FileSystem) {
        self.layout = layout
        self.files = files
    }

    /// Sets a stretch of a segment aside, durably.
    mutating func keep(_ range: Range<Int>, of reader: SegmentReader) throws(RetortError) {
        let content = try reader.file.read(at: range.lowerBound, count: range.count)
        guard !content.isEmpty else { return }
        let hash = Hexadecimal.string(content.withUnsafeBytes { ContentHash.hash64($0) })
        let name = "\(reader.lane.directoryName)-\(reader.number)-\(range.lowerBound)-\(hash).block"
        try files.createDirectory(layout.quarantine)
        try files.replace("\(layout.quarantine)/\(name)", with: content, in: layout.quarantine)
        try files.syncDirectory(layout.root)
        count += 1
        bytes += content.count
    }
}
