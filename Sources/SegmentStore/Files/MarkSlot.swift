import Basics

/// A value of the mark as stored in `MARK`, 40 bytes long:
///
///     "RTMK"  version u32 (1)  storeID u64  generation u64  value i64  checksum u64 (XXH3-64 of the 32 bytes before
///     it)
///
/// The file has room for four slots, 4096 bytes apart, and never changes its size. The valid slot with the highest
/// generation counts.
struct MarkSlot: Sendable, Hashable {
    static let magic: [UInt8] = Array("RTMK".utf8)
    static let version: UInt32 = 1
    static let bytes = 40
    /// The slots of a file: the durable one, the one being made durable, the newest, and one to write to.
    static let slots = 4
    /// Each slot has its own page, which limits the effect of a torn write.
    static let stride = 4096
    static let fileBytes = slots * stride
    static let generationMax = StoreLimits.sequencesMax

    var generation: UInt64
    var value: Int64

    func encoded(storeID: UInt64) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(Self.magic)
        writer.append(Self.version)
        writer.append(storeID)
        writer.append(generation)
        writer.append(value)
        writer.append(writer.bytes.withUnsafeBytes { ContentHash.hash64($0) })
        return writer.bytes
    }

    /// The content of a file whose first slot is this one and whose others are empty.
    func file(storeID: UInt64) -> [UInt8] {
        let slot = encoded(storeID: storeID)
        return slot + [UInt8](repeating: 0, count: Self.fileBytes - slot.count)
    }

    /// Nil if the bytes are not a valid slot of that store.
    static func decode(_ bytes: UnsafeRawBufferPointer, storeID: UInt64) -> MarkSlot? {
        guard bytes.count >= Self.bytes, bytes.prefix(4).elementsEqual(magic),
            bytes.load(littleEndianAt: 32, as: UInt64.self) == ContentHash.hash64(bytes.slice(0, 32))
        else { return nil }
        var reader = ByteReader(bytes.slice(4, 28))
        guard reader.read(UInt32.self) == version, reader.read(UInt64.self) == storeID,
            let generation = reader.read(upTo: generationMax), let value = reader.read(Int64.self)
        else { return nil }
        return MarkSlot(generation: generation, value: value)
    }

    /// The valid slot with the highest generation, and its index; nil if the mark was never set. Throws `.damagedData`
    /// if there is a file without a valid slot, which no crash leaves.
    static func read(
        _ layout: StoreLayout, storeID: UInt64, files: any FileSystem
    ) throws(RetortError) -> (number: Int, slot: MarkSlot)? {
        guard let bytes = try files.contents(of: layout.mark, bytesMax: fileBytes) else { return nil }
        var newest: (number: Int, slot: MarkSlot)?
        for number in 0..<slots where (number + 1) * stride <= bytes.count {
            let slot = bytes.withUnsafeBytes { decode($0.slice(number * stride, Self.bytes), storeID: storeID) }
            guard let slot, slot.generation > newest?.slot.generation ?? 0 else { continue }
            newest = (number, slot)
        }
        guard let newest, bytes.count == fileBytes else {
            throw RetortError(
                .damagedData, "the mark of what may have been spent is damaged", at: layout.mark,
                remedy: "Put the file back from a copy, or run `retort repair` to set it aside: the mark is 0 then.")
        }
        return newest
    }
}
