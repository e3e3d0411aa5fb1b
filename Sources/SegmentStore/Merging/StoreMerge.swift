public import Basics

/// Makes one store of several.
///
/// A key's success beats its failures, whichever store holds them; of two successes, or two failures where there is
/// no success, that of the store named first goes on. The clock plays no part.
///
/// A key that the caller has generated from a row's text means one row in stores that share an origin: a store, its
/// copies and continuations, merges of them, and stores of one input. In others it means rows that happen to ask the
/// same: each keeps its record, under the key's next number that is free.
///
/// A block all of whose records go on is copied as it is, with a new header; the records that are left of others are
/// compressed anew. Memory does not grow with the stores. The merged store has no input: the first run on it looks up
/// every row of its own, and asks only for what is missing.
public enum StoreMerge {
    /// Writes the merged store to `root`, which must not exist or be empty. It is built in `ROOT.tmp-merge` and comes
    /// into view as a whole; after a kill the same merge begins again and gives the same bytes.
    ///
    /// Sources are read as they are, journals included, and nothing of them is written; their writers are kept out
    /// meanwhile. Throws `.busy` when a source is being written, `.configuration` when the sources are of different jobs (unless `allowDifferentJobs`) or
    /// `root` is taken, `.damagedData` when something in a source cannot be read.
    ///
    /// Tallies of records whose block had to be compressed anew are computed by `options.recount`, in the order of the
    /// merged manifest's tallies. `generatedID` gives the generated id without its number of a record's line, and nil
    /// where the id is the row's own. `beforePublishing` is given the complete store where it was built, to look at it and to
    /// put files beside it; it may say what input the store is of. What it throws leaves no store behind.
    public static func run(
        _ sources: [String], into root: String, options: StoreOptions = StoreOptions(),
        allowDifferentJobs: Bool = false, generatedID: @escaping ([UInt8]) -> [UInt8]? = { _ in nil },
        progress: (StoreProgress) -> Void = { _ in },
        beforePublishing: (String) throws(RetortError) -> StoreManifest.Input? = { _ in nil }
    ) throws(RetortError) -> MergeReport {
        try checkNames(sources, root, options.files)
        for source in sources { _ = try StoreManifest.load(StoreLayout(root: source), files: options.files) }
        let workplace = MergeWorkplace(root: root, files: options.files)
        let lock = try workplace.open()
        defer { lock.release() }
        var opened: [MergeSource] = []
        defer { for source in opened { source.release() } }
        do throws(RetortError) {
            for (number, source) in sources.enumerated() {
                opened.append(
                    try MergeSource(source, options: options, scratch: { try? workplace.scratch(number) }))
            }
            let plan = try MergePlan(opened, allowDifferentJobs: allowDifferentJobs)
            var merge = Merge(
                opened, plan: plan, workplace: workplace, options: options, generatedID: generatedID)
            let report = try merge.run(progress)
            if let input = try beforePublishing(workplace.layout.root) {
                try workplace.stateInput(input)
            }
            try workplace.publish()
            return report
        } catch {
            // What is left is removed by the next merge if it cannot be removed now.
            try? workplace.discard()
            throw error
        }
    }

    private static func checkNames(
        _ sources: [String], _ root: String, _ files: any FileSystem
    ) throws(RetortError) {
        guard !sources.isEmpty else { throw RetortError(.usage, "there is no store to merge") }
        for (index, source) in sources.enumerated() where sources[..<index].contains(source) {
            throw RetortError(.usage, "the store is named twice", at: source)
        }
        guard try files.entries(of: root).isEmpty else {
            throw RetortError(
                .configuration, "the directory is not empty", at: root, remedy: "Name one that does not exist.")
        }
    }
}

/// The directory in which a merged store is built.
struct MergeWorkplace {
    let root: String
    let layout: StoreLayout
    private let files: any FileSystem

    init(root: String, files: any FileSystem) {
        self.root = root
        self.files = files
        let temporary = StoreLayout.sibling(of: root, "tmp-merge")
        layout = StoreLayout(root: temporary)
    }

    /// The index's directory serves the lists as well, under another one beside it.
    var lists: StoreLayout { StoreLayout(root: layout.root, scratch: layout.root + "/lists") }

    private var directories: [String] {
        Lane.allCases.map { layout.directory($0) } + [layout.index, layout.root + "/lists"]
    }

    /// A directory for the index of a source that has none on disk.
    func scratch(_ source: Int) throws(RetortError) -> String {
        let path = "\(layout.root)/\(Self.scratchPrefix)\(source)"
        try files.createDirectory(path)
        return path
    }

    private static let scratchPrefix = "source-"

    private func removeScratch() throws(RetortError) {
        for directory in try files.entries(of: layout.root) where directory.hasPrefix(Self.scratchPrefix) {
            let path = layout.root + "/" + directory
            for name in try files.entries(of: path) { try files.remove(path + "/" + name) }
            try files.removeDirectory(path)
        }
    }

    /// Makes the directory, empty.
    func open() throws(RetortError) -> any FileLock {
        try files.createDirectory(layout.root)
        let lock = try files.lock(layout.lock)
        try clear()
        for directory in directories { try files.createDirectory(directory) }
        return lock
    }

    /// Removes everything but the lock.
    func clear() throws(RetortError) {
        let archive = Lane.allCases.map { layout.archive.directory($0) } + [layout.archive.root]
        for directory in directories + archive {
            for name in try files.entries(of: directory) { try files.remove(directory + "/" + name) }
            try files.removeDirectory(directory)
        }
        try removeScratch()
        for name in try files.entries(of: layout.root) where layout.root + "/" + name != layout.lock {
            if try files.isRegular(layout.root + "/" + name) { try files.remove(layout.root + "/" + name) }
        }
    }

    /// Removes everything, the lock as well.
    func discard() throws(RetortError) {
        try clear()
        try files.remove(layout.lock)
        try files.removeDirectory(layout.root)
    }

    /// Says of what input the store is, all of whose rows are known by their records.
    func stateInput(_ input: StoreManifest.Input) throws(RetortError) {
        var manifest = try StoreManifest.load(layout, files: files)
        manifest.input = input
        try manifest.save(layout, files: files)
    }

    func removeLists() throws(RetortError) {
        let lists = layout.root + "/lists"
        for name in try files.entries(of: lists) { try files.remove(lists + "/" + name) }
        try files.removeDirectory(lists)
        try removeScratch()
    }

    /// Brings the finished store into view under its name. Its manifest came last, and with that everything in it has
    /// become durable: the rename itself makes nothing so.
    func publish() throws(RetortError) {
        try files.syncDirectory(layout.root)
        try files.rename(layout.root, to: root)
        let slash = root.drop { $0 == "/" }.isEmpty ? nil : layout.root.lastIndex(of: "/")
        let parent = slash.map { $0 == layout.root.startIndex ? "/" : String(layout.root[..<$0]) } ?? "."
        try files.syncDirectory(parent)
    }
}
