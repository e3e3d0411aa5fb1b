import Basics

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `retort.json`: describes a store, for people and programs. Replaced as a whole, generation by generation.
public struct StoreManifest: Codable, Sendable, Hashable {
    public static let formatName = "retort store"
    /// Version 1 knew two lanes, and did not name them.
    public static let currentVersion = 2
    /// Features of the format that this code supports. A store that names another one was written by newer code.
    public static let knownFeatures: Set<String> = [Superseding.feature, BlockChecks.feature]

    public var format = Self.formatName
    public var version = Self.currentVersion
    public var features: [String] = []
    /// 16 hexadecimal digits, drawn when the store was made.
    public var store: String
    /// 16 hexadecimal digits: XXH3-64 of the file with zeros in their place. Only a verification checks it, so that
    /// people may edit the file.
    private(set) var checksum: String?
    /// Number of replacements of the manifest.
    public var generation = 0
    /// What the records depend on, as described by the caller. Two jobs are the same if these are equal.
    public var job: [String: String]
    /// Texts that the caller stores beside the job. They do not make a job a different one.
    public internal(set) var notes: [String: String]?
    /// How often records were taken out of the lanes: readers detect by it that segments have changed.
    public private(set) var revision: Int?
    /// The work in progress while records are taken out.
    var superseding: Superseding?
    /// For a merged store, the origins of its records.
    var lineage: Lineage?
    /// The names of the failure classes, in the order of their numbers in the index.
    public var failureClasses: [String]
    /// The names of the tallies, in order.
    public var tallies: [String]
    /// The lanes, in the order of their numbers; nil in version 1.
    private(set) var lanes: [DeclaredLane]?
    /// Samples per input row.
    public var samples: Int
    public var input: Input?
    /// The segments that must exist, by the lane's name.
    public var segments: [String: [Segment]] = [:]

    struct DeclaredLane: Codable, Sendable, Hashable {
        var name: String
        var role: Lane.Role
    }

    static let currentLanes = Lane.allCases.map { DeclaredLane(name: $0.directoryName, role: $0.role) }

    public struct Input: Codable, Sendable, Hashable {
        /// 32 hexadecimal digits: the identity of the input that the row numbers belong to.
        public var identity: String
        /// The input's files as the user named them.
        public var files: [String]
        /// Rows of the input, once it has been read to its end; for a shard, its own rows.
        public var rows: UInt64?
        /// The part of the input that the store is for; nil: all of it.
        public var part: Part?
        /// By lane, the sequence number of the first record whose row number belongs to this input.
        var since: [String: UInt64]?
        /// Why the identity is empty: the progress in the input is no longer valid.
        public internal(set) var forgotten: Forgotten?

        public init(identity: String, files: [String], rows: UInt64? = nil, part: Part? = nil) {
            self.identity = identity
            self.files = files
            self.rows = rows
            self.part = part
        }

        /// The identity in the index's form; nil if the text is invalid.
        var identityHash: Hash128? {
            let digits = Array(identity.utf8)
            guard digits.count == 32, let high = Hexadecimal.parse(digits[..<16]),
                let low = Hexadecimal.parse(digits[16...])
            else { return nil }
            return Hash128(high: high, low: low)
        }
    }

    /// Why a store forgets which rows of its input have outcomes. They are then looked up by id.
    public enum Forgotten: String, Codable, Sendable {
        /// A repair: outcomes may have been lost.
        case repair
        /// More samples per row: items have other numbers.
        case samples
        /// Records of changed rows moved to `superseded/`.
        case revision
    }

    /// Forgets which rows of the input have outcomes.
    mutating func forgetRows(_ reason: Forgotten) {
        input?.identity = ""
        input?.since = nil
        input?.forgotten = reason
    }

    /// The first sequence number of the current input, by the lane's number.
    var inputSince: [UInt64] { Lane.allCases.map { input?.since?[$0.directoryName] ?? 0 } }

    public struct Segment: Codable, Sendable, Hashable {
        public var number: UInt32
        /// Durable bytes: the file must have at least these, and exactly these if it is sealed.
        public var bytes: Int
        public var sealed: Bool
    }

    enum CodingKeys: String, CodingKey {
        case checksum, format, version, features, store, generation, job, tallies, samples, input, segments, lanes
        case notes, revision, superseding, lineage
        case failureClasses = "failure_classes"
    }

    public init(
        storeID: UInt64, job: [String: String], failureClasses: [String], tallies: [String] = [], samples: Int = 1
    ) {
        store = Hexadecimal.string(storeID)
        self.job = job
        self.failureClasses = failureClasses
        self.tallies = tallies
        self.samples = samples
    }

    var storeID: UInt64 { Hexadecimal.parse(Array(store.utf8)) ?? 0 }

    func segments(_ lane: Lane) -> [Segment] { segments[lane.directoryName] ?? [] }

    mutating func setSegment(_ lane: Lane, _ segment: Segment) {
        var list = segments(lane).filter { $0.number != segment.number }
        list.append(segment)
        segments[lane.directoryName] = list.sorted { $0.number < $1.number }
    }

    /// Announces changes to segments. Until they are complete, changing segments may have other sizes than stated, and
    /// rows of the input must be looked up again.
    mutating func begin(_ work: Superseding) {
        superseding = work
        features.append(Superseding.feature)
        revision = (revision ?? 0) + 1
        for lane in Lane.allCases.map(\.directoryName) {
            let changed = Set((work.rewritten[lane] ?? []) + (work.emptied[lane] ?? []))
            segments[lane]?.removeAll { changed.contains($0.number) }
        }
        forgetRows(.revision)
    }

    /// Reads the manifest of a store. Throws `.notFound` if there is none, `.damagedData` if it cannot be parsed or a
    /// field is out of bounds, `.configuration` if newer code wrote it.
    static func load(_ layout: StoreLayout, files: any FileSystem) throws(RetortError) -> StoreManifest {
        guard let bytes = try files.contents(of: layout.manifest, bytesMax: StoreLimits.manifestBytesMax) else {
            throw RetortError(
                .notFound, "not a store: there is no retort.json", at: layout.root,
                remedy: "Name the directory that was given to `retort run --out`.")
        }
        let manifest: StoreManifest
        do {
            try checkVersion(bytes, layout)
            manifest = try JSONDecoder().decode(StoreManifest.self, from: Data(bytes))
        } catch let error as RetortError {
            throw error
        } catch {
            throw RetortError(
                .damagedData, "the manifest cannot be understood", at: layout.manifest,
                cause: OddNumber.find(in: bytes) ?? (error as? DecodingError)?.fieldDescription ?? "\(error)",
                remedy: "Restore it from a copy; the segments beside it are readable by themselves.")
        }
        try manifest.check(at: layout.manifest)
        return manifest
    }

    /// Repeats a reading if records were taken out of the lanes meanwhile: segments may have changed.
    static func readingStill<Result>(
        _ layout: StoreLayout, _ files: any FileSystem, _ read: () throws(RetortError) -> Result
    ) throws(RetortError) -> Result {
        for _ in 0..<StoreLimits.readingTriesMax {
            let before = try? load(layout, files: files)
            let outcome: Swift.Result<Result, RetortError>
            do throws(RetortError) { outcome = .success(try read()) } catch { outcome = .failure(error) }
            let after = try? load(layout, files: files)
            if before?.revision == after?.revision, before?.superseding == after?.superseding {
                return try outcome.get()
            }
        }
        return try read()
    }

    /// The fields that every version of the format has.
    private struct Preamble: Codable {
        var format: String
        var version: Int
        var features: [String]
    }

    private static func checkVersion(_ bytes: [UInt8], _ layout: StoreLayout) throws {
        let preamble = try JSONDecoder().decode(Preamble.self, from: Data(bytes))
        let unknown = Set(preamble.features).subtracting(knownFeatures).sorted()
        guard preamble.format == formatName, preamble.version <= currentVersion, unknown.isEmpty else {
            let found = "format \(preamble.format), version \(preamble.version), features \(unknown)"
            throw RetortError(
                .configuration, "the store was written by a newer retort", at: layout.manifest, cause: found,
                remedy: "Use that version, or a later one.")
        }
    }

    /// Makes this the store's manifest, durably, in the current version.
    mutating func save(_ layout: StoreLayout, files: any FileSystem) throws(RetortError) {
        generation += 1
        version = Self.currentVersion
        lanes = Self.currentLanes
        checksum = Hexadecimal.string(0)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else {
            throw RetortError(.io, "the manifest cannot be encoded", at: layout.manifest)
        }
        var bytes = Array(data) + [0x0A]
        let sum = Hexadecimal.string(bytes.withUnsafeBytes { ContentHash.hash64($0) })
        checksum = sum
        if let digits = Self.checksumDigits(of: bytes) { bytes.replaceSubrange(digits, with: sum.utf8) }
        try files.replace(layout.manifest, with: bytes, in: layout.root)
    }

    /// The position of the checksum's digits. Its key is the first in the file, because keys are sorted.
    private static func checksumDigits(of bytes: [UInt8]) -> Range<Int>? {
        guard let key = bytes.firstRange(of: Array(#""checksum" : ""#.utf8)), key.upperBound + 16 <= bytes.count else {
            return nil
        }
        return key.upperBound..<key.upperBound + 16
    }

    /// Whether a manifest's text is unchanged since it was written.
    static func isUntouched(_ bytes: [UInt8]) -> Bool {
        guard let digits = checksumDigits(of: bytes) else { return false }
        var blank = bytes
        blank.replaceSubrange(digits, with: Hexadecimal.string(0).utf8)
        return Hexadecimal.parse(bytes[digits]) == blank.withUnsafeBytes { ContentHash.hash64($0) }
    }
}
