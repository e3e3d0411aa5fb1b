import Basics

/// The journals that a copy has written, with their hashes: `COPY` in the target. A journal with another hash contains
/// the target's own records.
///
///     line = 16HEX " " lane "/" name LF        the digits are XXH3-64 of the journal
struct CopyNote {
    private var sums: [String: UInt64] = [:]
    static let name = "COPY"
    private static let bytesMax = 16 << 20

    init(_ layout: StoreLayout, _ files: any FileSystem) throws(RetortError) {
        let bytes = try files.contents(of: Self.path(layout), bytesMax: Self.bytesMax) ?? []
        for line in bytes.split(separator: 0x0A) {
            guard line.count > 17, let sum = Hexadecimal.parse(line.prefix(16)) else { continue }
            sums[String(decoding: line.dropFirst(17), as: UTF8.self)] = sum
        }
    }

    private static func path(_ layout: StoreLayout) -> String { layout.root + "/" + name }

    private static func journal(_ lane: Lane, _ name: String) -> String { "\(lane.directoryName)/\(name)" }

    private static func sum(_ path: String, _ files: any FileSystem) throws(RetortError) -> UInt64? {
        try files.contents(of: path, bytesMax: StoreLimits.journalFileBytesMax)?.withUnsafeBytes {
            ContentHash.hash64($0)
        }
    }

    /// Whether a journal of the target is unchanged since it was copied, or missing.
    func holds(_ lane: Lane, _ name: String, _ layout: StoreLayout, _ files: any FileSystem) throws(RetortError) -> Bool
    {
        guard let sum = try Self.sum(layout.directory(lane) + "/" + name, files) else { return true }
        return sums[Self.journal(lane, name)] == sum
    }

    /// Records the current journals, durably.
    static func write(
        _ journals: [Lane: Set<String>], _ layout: StoreLayout, _ files: any FileSystem
    ) throws(RetortError) {
        var bytes: [UInt8] = []
        for lane in Lane.allCases {
            for name in journals[lane, default: []].sorted() {
                guard let sum = try sum(layout.directory(lane) + "/" + name, files) else { continue }
                bytes += Array("\(Hexadecimal.string(sum)) \(journal(lane, name))\n".utf8)
            }
        }
        guard try files.contents(of: path(layout), bytesMax: bytesMax) != bytes else { return }
        try files.replace(path(layout), with: bytes, in: layout.root)
    }
}
