public import SegmentStore

/// The id that an item of a store has in a run over that store.
public enum ItemName {
    /// The item's own id for its first sample, `id#2` for sample 2. In a store with several samples, an id that already
    /// ends like that always gets its sample's number, so no two items of a store have one name.
    ///
    /// - Parameter samples: the number of samples per row that the store is for.
    public static func name(of key: RecordKey, samples: Int) -> [UInt8] {
        guard key.sample > 0 || samples > 1 && base(of: key.id) != nil else { return key.id }
        return key.id + Array("#\(key.sample)".utf8)
    }

    /// The key of the item with this name: the inverse of `name`.
    public static func key(of name: [UInt8], samples: Int) -> RecordKey {
        guard samples > 1, let (id, sample) = base(of: name) else { return RecordKey(id: name) }
        return RecordKey(id: id, sample: sample)
    }

    /// The id of a row in a later generation (from the second on) that comes from the item with this name: `a~2`,
    /// `a~3`, ...
    public static func next(_ generation: Int?, _ name: [UInt8]) -> [UInt8] {
        guard let generation else { return name }
        let before = Array("~\(generation - 1)".utf8)
        let isNext = generation > 2 && name.suffix(before.count).elementsEqual(before)
        return (isNext ? name.dropLast(before.count) : name[...]) + Array("~\(generation)".utf8)
    }

    /// The inverse of `next`.
    public static func before(_ generation: Int?, _ id: [UInt8]) -> [UInt8] {
        guard let generation else { return id }
        let own = Array("~\(generation)".utf8)
        guard id.suffix(own.count).elementsEqual(own) else { return id }
        return id.dropLast(own.count) + (generation > 2 ? Array("~\(generation - 1)".utf8) : [])
    }

    /// The part before the last `#` of an id and the number after it, if that is a valid sample number.
    private static func base(of id: [UInt8]) -> (id: [UInt8], sample: UInt32)? {
        guard let sign = id.lastIndex(of: UInt8(ascii: "#")) else { return nil }
        let digits = id[(sign + 1)...]
        guard !digits.isEmpty, digits.count <= 9, digits.allSatisfy({ (0x30...0x39).contains($0) }),
            digits.count == 1 || digits.first != 0x30, let number = UInt32(String(decoding: digits, as: UTF8.self))
        else { return nil }
        return (Array(id[..<sign]), number)
    }
}
