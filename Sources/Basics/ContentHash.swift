internal import CXXHash

/// XXH3 hashes (https://github.com/Cyan4973/xxHash, stable since 0.8.0), used for keys, fingerprints and checksums.
public enum ContentHash {
    /// XXH3, 64 bits, of `bytes`.
    public static func hash64(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
        XXH3_64bits_withSeed(bytes.baseAddress, bytes.count, seed)
    }

    /// XXH3, 128 bits, of `bytes`.
    public static func hash128(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> Hash128 {
        let hash = XXH3_128bits_withSeed(bytes.baseAddress, bytes.count, seed)
        return Hash128(high: hash.high64, low: hash.low64)
    }
}

/// A 128-bit hash, ordered by its high half first.
public struct Hash128: Sendable, Hashable, Comparable {
    public var high: UInt64
    public var low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    @inlinable
    public func hash(into hasher: inout Hasher) { hasher.combine(low) }

    /// Used by dictionaries and sets. The value is already a good hash; hashing it again would cost more than the
    /// lookup.
    @inlinable
    public func _rawHashValue(seed: Int) -> Int { Int(truncatingIfNeeded: low) ^ seed }

    @inlinable
    public static func < (a: Hash128, b: Hash128) -> Bool {
        a.high != b.high ? a.high < b.high : a.low < b.low
    }
}
