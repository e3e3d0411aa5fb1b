public import Basics

/// What a record is about: the item's id and which of its samples. Unique in each lane of a store.
public struct RecordKey: Sendable, Hashable {
    /// The id's bytes: UTF-8, lone surrogates in generalised form (WTF-8).
    public var id: [UInt8]
    public var sample: UInt32

    public init(id: [UInt8], sample: UInt32 = 0) {
        self.id = id
        self.sample = sample
    }

    public init(_ id: String, sample: UInt32 = 0) {
        self.init(id: Array(id.utf8), sample: sample)
    }

    /// XXH3-128 of the id's bytes, seeded with the sample: what the index is sorted by.
    public var hash: Hash128 {
        id.withUnsafeBytes { ContentHash.hash128($0, seed: UInt64(sample)) }
    }
}

extension RecordKey: CustomStringConvertible {
    public var description: String {
        let text = String(decoding: id, as: UTF8.self)
        return sample == 0 ? text : "\(text)#\(sample)"
    }
}
