public import Basics

/// Tells an unchanged input from a changed one: a plain value that can be stored and compared.
public struct InputIdentity: Sendable, Hashable {
    /// How many bytes at each end of a file are hashed.
    public static let edgeBytes = 64 * 1024

    /// The part of one file.
    public struct File: Sendable, Hashable {
        public var path: String
        /// `InputFormat`'s raw value: the same bytes read in another format give other rows.
        public var format: String
        public var size: UInt64
        /// Time of last modification, nanoseconds since 1970.
        public var modified: Int64
        /// The hash of the file's first and last `edgeBytes` bytes.
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

    /// Whether rows read under `earlier` have the same offsets and content now. Always false for a stream: its bytes
    /// cannot be read again.
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
