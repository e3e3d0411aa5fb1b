import Basics

/// The directory of bytes that were cut out of segments: kept for people to examine; no part of the store reads it.
///
/// A file is named after its bytes' original position and hash, so that a repeated repair writes the same files, and
/// none replaces another.
struct Quarantine {
    let layout: StoreLayout
    let files: any FileSystem
    private(set) var count = 0
    private(set) var bytes = 0

    init(layout: StoreLayout, files: any FileSystem) {
        self.layout = layout
        self.files = files
    }

    /// Copies a range of a segment to the quarantine, durably.
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

    /// Moves misplaced files among the segments and journals of a lane to the quarantine, so that the lane continues
    /// without them and nothing in them is lost. Links and directories are moved unchanged. `noted` are the paths of
    /// journals that a verification found damaged, judged also by the segments.
    mutating func keepStrays(of context: StoreContext, noted: [String]) throws(RetortError) {
        for lane in Lane.allCases {
            let directory = layout.directory(lane)
            let survey = try JournalSurvey.read(
                lane, from: 0, storeID: context.storeID, layout: layout, files: files)
            var names = Set((try context.strayFiles(lane) + survey.damage).compactMap(\.file))
            names.formUnion(
                noted.filter { $0.hasPrefix(directory + "/") }.map { String($0.dropFirst(directory.count + 1)) })
            for name in names.sorted() {
                let path = "\(directory)/\(name)"
                guard let size = try files.size(of: path) else { continue }
                try files.createDirectory(layout.quarantine)
                try files.rename(path, to: try unusedPath("\(lane.directoryName)-\(name)"))
                try files.syncDirectory(layout.quarantine)
                try files.syncDirectory(directory)
                try files.syncDirectory(layout.root)
                count += 1
                bytes += size
            }
        }
    }

    /// Whether `keep` gives that name to a range of a segment.
    static func isStretch(_ name: String) -> Bool {
        guard name.hasSuffix(".block") else { return false }
        let parts = name.dropLast(".block".count).split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 4 && Lane.allCases.contains { $0.directoryName == parts[0] }
            && UInt32(parts[1]) != nil && Int(parts[2]) != nil
            && parts[3].utf8.count == 16 && Hexadecimal.parse(Array(parts[3].utf8)) != nil
    }

    /// Moves whatever has the name of the mark's file to the quarantine.
    mutating func keepMark() throws(RetortError) {
        guard let size = try files.size(of: layout.mark) else { return }
        try files.createDirectory(layout.quarantine)
        try files.rename(layout.mark, to: try unusedPath("MARK"))
        try files.syncDirectory(layout.quarantine)
        try files.syncDirectory(layout.root)
        count += 1
        bytes += size
    }

    private func unusedPath(_ name: String) throws(RetortError) -> String {
        var path = "\(layout.quarantine)/\(name)"
        var copy = 0
        while try files.size(of: path) != nil {
            copy += 1
            path = "\(layout.quarantine)/\(name).\(copy)"
        }
        return path
    }
}
