public import Basics

/// Merges several stores into one.
///
/// A key's success takes precedence over its failures, whichever store has them; of two successes, or two failures
/// without a success, that of the store named first is kept. Times play no part.
///
/// A key that the caller has generated from a row's text means the same row in stores that share an origin: a store,
/// its copies and continuations, merges of them, and stores of one input. In other stores it means rows that happen to
/// have the same request: each keeps its record, under the key's next free number.
///
/// A block whose records are all kept is copied unchanged, with a new header; the kept records of other blocks are
/// recompressed. Memory does not grow with the stores. The merged store has no input: the first run on it looks up
/// every row, and sends only what is missing.
public enum StoreMerge {
    /// Writes the merged store to `root`, which must not exist or be empty. It is built in `ROOT.tmp-merge` and becomes
    /// visible as a whole; after a kill the same merge begins again and gives the same bytes.
    ///
    /// Sources are read as they are, journals included, and not written; their writers are locked out. Throws `.busy`
    /// if a source is being written, `.configuration` if the sources have different jobs (unless `allowDifferentJobs`)
    /// or `root` is taken, `.damagedData` if a part of a source cannot be read.
    ///
    /// Tallies of records in recompressed blocks are computed by `options.recount`, in the order of the merged
    /// manifest's tallies. `generatedID` returns the generated id of a record's line without its number, and nil if the
    /// id is the row's own. `beforePublishing` is called with the complete store where it was built, to inspect it and
    /// to add files; it may state the store's input. If it throws, no store is left.
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
            // If the remains cannot be removed now, the next merge does it.
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

    /// The lists use the index's directory too, through another layout.
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

    /// Creates the directory, empty.
    func open() throws(RetortError) -> any FileLock {
        try files.createDirectory(layout.root)
        let lock = try files.lock(layout.lock)
        try clear()
        for directory in directories { try files.createDirectory(directory) }
        return lock
    }

    /// Removes everything except the lock.
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

    /// Removes everything, including the lock.
    func discard() throws(RetortError) {
        try clear()
        try files.remove(layout.lock)
        try files.removeDirectory(layout.root)
    }

    /// States the store's input, all of whose rows are known by their records.
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

    /// Renames the finished store to its final name. Its manifest was written last, and with that everything in it was
    /// made durable: the rename itself makes nothing durable.
    func publish() throws(RetortError) {
        try files.syncDirectory(layout.root)
        try files.rename(layout.root, to: root)
        let slash = root.drop { $0 == "/" }.isEmpty ? nil : layout.root.lastIndex(of: "/")
        let parent = slash.map { $0 == layout.root.startIndex ? "/" : String(layout.root[..<$0]) } ?? "."
        try files.syncDirectory(parent)
    }
}
