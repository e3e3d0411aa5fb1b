public import SegmentStore

/// The id that an item of a store has in a run over that store.
public enum ItemName {
    /// The item's own id for its first sample, `id#2` for sample 2. In a store with several samples an id that ends
    /// like that itself gets its sample's number in any case: no two items of a store have one name.
    ///
    /// - Parameter samples: the samples of each row that the store is for.
    public static func name(of key: RecordKey, samples: Int) -> [UInt8] {
        guard key.sample > 0 || samples > 1 && base(of: key.id) != nil else { return key.id }
        return key.id + Array("#\(key.sample)".utf8)
    }

    /// The key of the item that has a name: what `name` was given.
    public static func key(of name: [UInt8], samples: Int) -> RecordKey {
        guard samples > 1, let (id, sample) = base(of: name) else { return RecordKey(id: name) }
        return RecordKey(id: id, sample: sample)
    }

    /// The id of a row of a generation, from the second on, that comes from the item of this name: `a~2`, `a~3`, ...
    public static func next(_ generation: Int?, _ name: [UInt8]) -> [UInt8] {
        guard let generation else { return name }
        let before = Array("~\(generation - 1)".utf8)
        let isNext = generation > 2 && name.suffix(before.count).elementsEqual(before)
        return (isNext ? name.dropLast(before.count) : name[...]) + Array("~\(generation)".utf8)
    }

    /// What `next` was given.
    public static func before(_ generation: Int?, _ id: [UInt8]) -> [UInt8] {
        guard let generation else { return id }
        let own = Array("~\(generation)".utf8)
        guard id.suffix(own.count).elementsEqual(own) else { return id }
        return id.dropLast(own.count) + (generation > 2 ? Array("~\(generation - 1)".utf8) : [])
    }

    /// What is before the last `#` of an id and the number behind it, if there is one that a sample can have.
    private static func base(of id: [UInt8]) -> (id: [UInt8], sample: UInt32)? {
        guard let sign = id.lastIndex(of: UInt8(ascii: "#")) else { return nil }
        let digits = id[(sign + 1)...]
        guard !digits.isEmpty, digits.count <= 9, digits.allSatisfy({ (0x30...0x39).contains($0) }),
            digits.count == 1 || digits.first != 0x30, let number = UInt32(String(decoding: digits, as: UTF8.self))
        else { return nil }
        return (Array(id[..<sign]), number)
    }
}
