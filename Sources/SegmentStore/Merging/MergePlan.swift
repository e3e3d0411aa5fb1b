import Basics

/// The merged store's manifest, and the mapping of the sources' class and tally numbers to its own.
struct MergePlan {
    private(set) var manifest: StoreManifest

    /// Throws `.configuration` if the sources have different jobs and that is not allowed, or if together they have
    /// more classes or tallies than a store can number.
    init(_ sources: [MergeSource], allowDifferentJobs: Bool) throws(RetortError) {
        if !allowDifferentJobs {
            for source in sources.dropFirst() { try Self.checkSame(sources[0], source) }
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
        manifest.features = [BlockChecks.feature]
        manifest.notes = Self.notes(manifests.map { $0.notes ?? [:] })
    }

    /// Notes that all sources share.
    private static func notes(_ notes: [[String: String]]) -> [String: String]? {
        let common = notes[0].filter { name, text in notes.allSatisfy { $0[name] == text } }
        return common.isEmpty ? nil : common
    }

    private static func checkSame(_ one: MergeSource, _ source: MergeSource) throws(RetortError) {
        let (first, other) = (one.image.manifest, source.image.manifest)
        // Samples can be added to a store, so different numbers are compatible.
        var differences = Set(first.job.keys).union(other.job.keys).subtracting(["samples"]).sorted()
            .filter { first.job[$0] != other.job[$0] }
            .map {
                "\($0) is \(first.job[$0] ?? "unset") in \(one.root), \(other.job[$0] ?? "unset") in \(source.root)"
            }
        if first.failureClasses != other.failureClasses { differences.append("the failure classes differ") }
        if first.tallies != other.tallies { differences.append("the tallies differ") }
        guard !differences.isEmpty else { return }
        throw RetortError(
            .configuration, "the store has different settings from \(one.root)", at: source.root,
            cause: differences.joined(separator: "; "),
            remedy: "Add --allow-different-jobs to merge them anyway.")
    }

    private static func union(_ lists: [[String]]) -> [String] {
        var union: [String] = []
        for name in lists.joined() where !union.contains(name) { union.append(name) }
        return union
    }

    /// Members with one value keep it; the others list every value.
    private static func job(_ jobs: [[String: String]]) -> [String: String] {
        var merged: [String: String] = [:]
        for key in Set(jobs.flatMap(\.keys)) {
            let values = union([jobs.compactMap { $0[key] }])
            let most = key == "samples" ? values.compactMap { Int($0) }.max() : nil
            merged[key] = most.map { String($0) } ?? values.joined(separator: " | ")
        }
        return merged
    }

    /// Derived from the sources and their content, so that the same merge gives the same bytes.
    private static func storeID(_ sources: [MergeSource]) -> UInt64 {
        var identity = ByteWriter()
        for source in sources {
            identity.append(source.image.manifest.storeID)
            for lane in Lane.allCases { identity.append(source.nextSequence(lane)) }
        }
        return max(1, identity.bytes.withUnsafeBytes { ContentHash.hash64($0) })
    }

    /// Maps a source's status byte to the merged store's.
    func statusCodes(of source: StoreManifest) -> [UInt8] {
        let classes = FailureClasses(manifest.failureClasses)
        return (0...UInt8.max).map { code in
            guard case .failed(let index) = RecordStatus(code: code) else { return code }
            guard Int(index) < source.failureClasses.count else {
                return RecordStatus.failed(classIndex: UInt8(StoreLimits.failureClassesMax)).code
            }
            return RecordStatus.failed(classIndex: classes.index(source.failureClasses[Int(index)])).code
        }
    }

    /// Maps a source's tally to the merged store's.
    func tallyPlaces(of source: StoreManifest) -> [Int] {
        source.tallies.map { manifest.tallies.firstIndex(of: $0)! }
    }
}
