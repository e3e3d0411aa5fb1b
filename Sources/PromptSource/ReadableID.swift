/// How an id that may not be valid UTF-8 is written.
public enum ReadableID {
    /// The id in valid UTF-8, for files that other programs read: half of a surrogate pair becomes U+FFFD and its
    /// number, so that different ids stay different.
    public static func bytes(of id: [UInt8]) -> [UInt8] {
        guard id.contains(0xED) else { return id }
        var readable: [UInt8] = []
        var at = 0
        while at < id.count {
            guard id[at] == 0xED, at + 2 < id.count, id[at + 1] >= 0xA0 else {
                readable.append(id[at])
                at += 1
                continue
            }
            let unit = 0xD000 | UInt16(id[at + 1] & 0x3F) << 6 | UInt16(id[at + 2] & 0x3F)
            readable += Array("\u{FFFD}\(String(unit, radix: 16))".utf8)
            at += 3
        }
        return readable
    }
}
