import Basics

/// Copies whole files of a store, each complete before it replaces an existing one.
struct CopiedFiles {
    private let files: any FileSystem

    /// Directories in addition to the lanes.
    static let directories = ["superseded", "quarantine", "batches", "front"]
    /// Files in addition to the manifest. Without its journal, `batches/` would cause requests to be sent again.
    static let loose: Set<String> = ["progress.json", "changes.jsonl"]

    init(_ files: any FileSystem) { self.files = files }

    /// Skips a file that has disappeared, or that is already there.
    func copy(
        _ source: String, to target: String, in directory: String, _ report: inout CopyReport
    ) throws(RetortError) {
        guard try files.isRegular(source), let file = try files.openIfThere(source) else { return }
        let size = try file.size()
        if try isSame(file, size, target) { return }
        let temporary = target + ".tmp"
        do throws(RetortError) {
            let new = try files.open(temporary, .createEmpty)
            try forEachPiece(size) { (offset, count) throws(RetortError) in
                let bytes = try file.read(at: offset, count: count)
                try new.write(bytes, at: offset)
                report.bytes += bytes.count
                return true
            }
            try new.syncData()
            try files.rename(temporary, to: target)
        } catch {
            try? files.removeRegular(temporary)
            throw error
        }
        try files.syncDirectory(directory)
    }

    private func isSame(_ file: any StoreFile, _ size: Int, _ target: String) throws(RetortError) -> Bool {
        guard try files.size(of: target) == size, let other = try files.openIfThere(target) else { return false }
        var isSame = true
        try forEachPiece(size) { (offset, count) throws(RetortError) in
            isSame = try file.read(at: offset, count: count) == other.read(at: offset, count: count)
            return isSame
        }
        return isSame
    }

    private func forEachPiece(
        _ size: Int, _ body: (Int, Int) throws(RetortError) -> Bool
    ) throws(RetortError) {
        var offset = 0
        while offset < size {
            let count = min(StoreLimits.copyBufferBytes, size - offset)
            guard try body(offset, count) else { return }
            offset += count
        }
    }

    /// The regular files of a directory. Anything else in it does not belong to the store.
    private func copyDirectory(
        _ source: String, _ target: String, _ report: inout CopyReport, where isWanted: (String) -> Bool = { _ in true }
    ) throws(RetortError) {
        let names = try files.entries(of: source).filter { isWanted($0) && !$0.hasSuffix(".tmp") }
        guard !names.isEmpty else { return }
        try files.createDirectory(target)
        for name in names { try copy("\(source)/\(name)", to: "\(target)/\(name)", in: target, &report) }
    }

    func copyBeside(_ from: StoreLayout, _ to: StoreLayout, _ report: inout CopyReport) throws(RetortError) {
        for name in Self.directories {
            try copyDirectory("\(from.root)/\(name)", "\(to.root)/\(name)", &report)
        }
        for lane in Lane.allCases {
            try copyDirectory(from.archive.directory(lane), to.archive.directory(lane), &report)
        }
        for name in Self.loose.sorted() {
            try copy("\(from.root)/\(name)", to: "\(to.root)/\(name)", in: to.root, &report)
        }
    }

    /// Copies runs before the checkpoint that names them, and removes runs that are no longer named last.
    func copyIndex(_ from: StoreLayout, _ to: StoreLayout, _ report: inout CopyReport) throws(RetortError) {
        try copyDirectory(from.index, to.index, &report) {
            StoreLayout.runNumber($0) != nil || StoreLayout.isHints($0)
        }
        guard try files.isRegular(from.checkpoint) else {
            try files.removeRegular(to.checkpoint)
            return
        }
        try copy(from.checkpoint, to: to.checkpoint, in: to.index, &report)
        let runs = Set(try files.entries(of: from.index).compactMap(StoreLayout.runNumber))
        for number in try files.entries(of: to.index).compactMap(StoreLayout.runNumber) where !runs.contains(number) {
            try files.removeRegular(to.run(number))
        }
    }
}
