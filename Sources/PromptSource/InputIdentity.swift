public import Basics

/// What tells an unchanged input from a changed one: a plain value to be stored and compared.
public struct InputIdentity: Sendable, Hashable {
    /// How much of either end of a file is hashed.
    public static let edgeBytes = 64 * 1024

    /// One file's share.
    public struct File: Sendable, Hashable {
        public var path: String
        /// `InputFormat`'s raw value: another format makes other rows of the same bytes.
        public var format: String
        public var size: UInt64
        /// Nanoseconds since 1970.
        public var modified: Int64
        /// Of the file's first and last `edgeBytes` bytes.
        public var edges: Hash128
        /// False for FIFOs, devices and standard input.
        public var isRepeatable: Bool

        public init(
            path: String, format: String, size: UInt64, modified: Int64, edges: Hash128, isRepeatable: Bool
        ) {
            self.path = path
            self.format = format
            self.size = size
            self.modified = modified
            self.edges = edges
            self.isRepeatable = isRepeatable
        }
    }

    /// In reading order.
    public var files: [File]

    public init(files: [File]) { self.files = files }

    /// Whether rows read under `earlier` would be read again, at the same offsets. Never true of a stream, whose bytes
    /// nobody can vouch for.
    public func isUnchanged(since earlier: InputIdentity) -> Bool {
        self == earlier && files.allSatisfy(\.isRepeatable)
    }
}

extension InputSet {
    /// The identity of the files as they were when the set was resolved.
    public var identity: InputIdentity {
        InputIdentity(
            files: files.map { file in
                InputIdentity.File(
                    path: file.path, format: file.format.rawValue, size: file.size, modified: file.modified,
                    edges: file.edges, isRepeatable: file.isRepeatable)
            })
    }
}
