import Basics

/// One of `count` parts of the rows of an input, by the hash of what names a row: neither the order of the rows nor
/// what became of them matters, and rows that are named alike fall to one shard.
public struct Shard: Codable, Sendable, Hashable, CustomStringConvertible {
    /// From 1.
    public let number: Int
    public let count: Int

    /// Shards that an input may be divided into.
    public static let countMax = 1 << 20
    /// Nothing else of a store depends on this hash: the index, whose keys it would skew, has another.
    private static let seed: UInt64 = 0x7368_6172_6473

    /// Nil where the number is not one of the shards'.
    public init?(_ number: Int, of count: Int) {
        guard (1...Self.countMax).contains(count), (1...count).contains(number) else { return nil }
        self.number = number
        self.count = count
    }

    public var description: String { "\(number)/\(count)" }

    /// The hash of what names a row, before it is told apart from others of that name.
    public static func hash(of name: [UInt8]) -> UInt64 {
        name.withUnsafeBytes { ContentHash.hash64($0, seed: seed) }
    }

    /// Which of `count` shards a hash falls to.
    public static func number(of hash: UInt64, in count: Int) -> Int {
        Int(hash.multipliedFullWidth(by: UInt64(count)).high) + 1
    }

    public func contains(_ hash: UInt64) -> Bool { Self.number(of: hash, in: count) == number }

    /// Whether a row can fall to both. Shards are equal stretches of the hashes, so they share one where the stretches
    /// do.
    public func overlaps(_ other: Shard) -> Bool {
        (number - 1) * other.count < other.number * count && (other.number - 1) * count < number * other.count
    }

    /// Whether both numbers are such as `init` takes: a manifest may say anything.
    var isPossible: Bool { Shard(number, of: count) != nil }
}

extension StoreManifest {
    /// What a store that is a shard knows of the whole input.
    public struct Part: Codable, Sendable, Hashable {
        public var shard: Shard
        /// 32 hexadecimal digits: what the input's files hold, whatever they are called and wherever they are.
        public var content: String
        /// Rows of the whole input, once it has been read to its end.
        public var rows: UInt64?
        /// Items of this shard's rows whose outcome another store had when the input was last read to its end.
        public var elsewhere: UInt64?

        public init(shard: Shard, content: String) {
            self.shard = shard
            self.content = content
        }
    }
}

extension StoreManifest.Input {
    /// Items that the store is to have an outcome of; nil while the input was not read to its end.
    public func items(samples: Int) -> UInt64? {
        guard let rows else { return nil }
        let items = rows * UInt64(samples)
        return items - min(items, part?.elsewhere ?? 0)
    }
}
