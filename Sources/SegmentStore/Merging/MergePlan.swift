import Basics

/// What the merged store's manifest says, and how the sources' numbers for classes and tallies become its own.
struct MergePlan {
    private(set) var manifest: StoreManifest

    /// Throws `.configuration` when the sources are of different jobs and that is not allowed, or when together they
    /// have more classes or tallies than a store can number.
    init(_ sources: [LockedStore], allowDifferentJobs: Bool) throws(RetortError) {
        let first = sources[0].image.manifest
        if !allowDifferentJobs {
            for source in sources.dropFirst() { try Self.checkSame(first, source) }
        }
        let manifests = sources.map(\.image.manifest)
        let classes = Self.union(manifests.map(\.failureClasses))
        let tallies = Self.union(manifests.map(\.tallies))
        guard classes.count <= StoreLimits.failureClassesMax, tallies.count <= StoreLimits.talliesMax else {
            throw RetortError(
                .configuration, "together the stores have too many failure classes or tallies",
                cause: "\(classes.count) classes, \(tallies.count) tallies")
        }
        manifest = StoreManifest(
            storeID: Self.storeID(sources), job: Self.job(manifests.map(\.job)), failureClasses: classes,
            tallies: tallies, samples: manifests.map(\.samples).max()!)
        manifest.notes = Self.notes(manifests.map { $0.notes ?? [:] })
    }

    /// What all sources say alike.
    private static func notes(_ notes: [[String: String]]) -> [String: String]? {
        let common = notes[0].filter { name, text in notes.allSatisfy { $0[name] == text } }
        return common.isEmpty ? nil : common
    }

    private static func checkSame(_ first: StoreManifest, _ source: LockedStore) throws(RetortError) {
        let other = source.image.manifest
        var differences = Set(first.job.keys).union(other.job.keys).sorted()
            .filter { first.job[$0] != other.job[$0] }
            .map { "\($0) is \(first.job[$0] ?? "not set") there and \(other.job[$0] ?? "not set") here" }
        if first.failureClasses != other.failureClasses { differences.append("the failure classes differ") }
        if first.tallies != other.tallies { differences.append("the tallies differ") }
        if first.samples != other.samples { differences.append("the numbers of samples differ") }
        guard !differences.isEmpty else { return }
        throw RetortError(
            .configuration, "the store is of another job than the first one", at: source.root,
            cause: differences.joined(separator: "; "),
            remedy: "Add --allow-different-jobs if their records may stand together.")
    }

    private static func union(_ lists: [[String]]) -> [String] {
        var union: [String] = []
        for name in lists.joined() where !union.contains(name) { union.append(name) }
        return union
    }

    /// Members that all agree on keep their value; the others name every value.
    private static func job(_ jobs: [[String: String]]) -> [String: String] {
        var merged: [String: String] = [:]
        for key in Set(jobs.flatMap(\.keys)) {
            merged[key] = union([jobs.compactMap { $0[key] }]).joined(separator: " | ")
        }
        return merged
    }

    /// Follows from the sources and what they hold, so that the same merge gives the same bytes.
    private static func storeID(_ sources: [LockedStore]) -> UInt64 {
        var identity = ByteWriter()
        for source in sources {
            identity.append(source.image.manifest.storeID)
            for lane in Lane.allCases { identity.append(source.image.tails[Int(lane.rawValue)].nextSequence) }
        }
        return max(1, identity.bytes.withUnsafeBytes { ContentHash.hash64($0) })
    }

    /// By a source's status byte, the merged store's.
    func statusCodes(of source: StoreManifest) -> [UInt8] {
        let classes = FailureClasses(manifest.failureClasses)
        return (0...UInt8.max).map { code in
            guard case .failed(let index) = RecordStatus(code: code) else { return 0 }
            guard Int(index) < source.failureClasses.count else {
                return RecordStatus.failed(classIndex: UInt8(StoreLimits.failureClassesMax)).code
            }
            return RecordStatus.failed(classIndex: classes.index(source.failureClasses[Int(index)])).code
        }
    }

    /// By a source's tally, the merged store's.
    func tallyPlaces(of source: StoreManifest) -> [Int] {
        source.tallies.map { manifest.tallies.firstIndex(of: $0)! }
    }
}
