import Basics

/// One of `count` parts of an input's rows, by the hash of a row's name: independent of the order of rows and of
/// outcomes; rows with one name belong to one shard.
public struct Shard: Codable, Sendable, Hashable, CustomStringConvertible {
    /// From 1.
    public let number: Int
    public let count: Int

    /// Maximum shards of an input.
    public static let countMax = 1 << 20
    /// Nothing else depends on this hash: the index, whose keys it would skew, uses another.
    private static let seed: UInt64 = 0x7368_6172_6473

    /// Nil if the number is not one of the shards'.
    public init?(_ number: Int, of count: Int) {
        guard (1...Self.countMax).contains(count), (1...count).contains(number) else { return nil }
        self.number = number
        self.count = count
    }

    public var description: String { "\(number)/\(count)" }

    /// The hash of a row's name, before it is distinguished from other rows with that name.
    public static func hash(of name: [UInt8]) -> UInt64 {
        name.withUnsafeBytes { ContentHash.hash64($0, seed: seed) }
    }

    /// The shard, of `count`, that a hash belongs to.
    public static func number(of hash: UInt64, in count: Int) -> Int {
        Int(hash.multipliedFullWidth(by: UInt64(count)).high) + 1
    }

    public func contains(_ hash: UInt64) -> Bool { Self.number(of: hash, in: count) == number }

    /// Whether a row can belong to both. Shards are equal ranges of hashes, so they share a row if the ranges overlap.
    public func overlaps(_ other: Shard) -> Bool {
        (number - 1) * other.count < other.number * count && (other.number - 1) * count < number * other.count
    }

    /// Whether `init` would accept both numbers: a manifest may contain anything.
    var isPossible: Bool { Shard(number, of: count) != nil }
}

extension StoreManifest {
    /// What a shard's store knows of the whole input.
    public struct Part: Codable, Sendable, Hashable {
        public var shard: Shard
        /// 32 hexadecimal digits: a hash of the input's content, independent of file names and locations.
        public var content: String
        /// Rows of the whole input, once it has been read to its end.
        public var rows: UInt64?
        /// Items of this shard's rows with an outcome in another store, as of when the input was last read to its end.
        public var elsewhere: UInt64?

        public init(shard: Shard, content: String) {
            self.shard = shard
            self.content = content
        }
    }
}

extension StoreManifest.Input {
    /// Items that the store should have an outcome of; nil while the input was not read to its end.
    public func items(samples: Int) -> UInt64? {
        guard let rows else { return nil }
        let items = rows * UInt64(samples)
        return items - min(items, part?.elsewhere ?? 0)
    }
}
