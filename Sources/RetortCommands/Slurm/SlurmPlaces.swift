import Basics
import Glibc
import SegmentStore

/// The stores of a submitted run: a shard's own is `OUT/shard-K`; one that a task keeps on its node's disk is copied to
/// `OUT/shard-K@NODE`, and the file of that name in `OUT/places` holds its path on the node, as long as it is there.
struct SlurmPlaces {
    let out: String

    /// A store on a node's disk.
    struct Place: Hashable {
        var shard: Int
        var node: String
        /// The path on the node.
        var path: String
        var file: String
    }

    static let pathBytesMax = 4096

    var directory: String { out + "/places" }

    static func copyName(_ shard: Int, _ node: String) -> String { "shard-\(shard)@\(node)" }

    func copy(_ place: Place) -> String { "\(out)/\(Self.copyName(place.shard, place.node))" }

    /// All known stores on nodes, by shard and node. Throws `.badInput` for an invalid file.
    func all() throws(RetortError) -> [Place] {
        var places: [Place] = []
        for name in try PosixFileSystem().entries(of: directory) {
            guard let (shard, node) = Self.parts(of: name) else { continue }
            let file = "\(directory)/\(name)"
            let path = String(try TextFile.read(file).prefix { $0 != "\n" })
            guard path.hasPrefix("/"), path.utf8.count <= Self.pathBytesMax else {
                throw RetortError(.badInput, "the file does not say where a store is", at: file)
            }
            places.append(Place(shard: shard, node: node, path: path, file: file))
        }
        return places.sorted { ($0.shard, $0.node) < ($1.shard, $1.node) }
    }

    /// The stores of each shard in `OUT`, including copies, that have been created.
    func stores() throws(RetortError) -> [Int: [String]] {
        var stores: [Int: [String]] = [:]
        for name in try PosixFileSystem().entries(of: out) {
            guard let shard = Self.shard(of: name) else { continue }
            let path = "\(out)/\(name)"
            if try RecordStore.manifest(of: path) != nil { stores[shard, default: []].append(path) }
        }
        return stores
    }

    /// The shard of `shard-K`, `shard-K@NODE` and either with `.before-N`; nil for other names.
    static func shard(of name: String) -> Int? {
        guard name.hasPrefix("shard-") else { return nil }
        let rest = name.dropFirst("shard-".count)
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        let tail = rest.dropFirst(digits.count)
        guard tail.isEmpty || tail.hasPrefix("@") || tail.hasPrefix(".before-") else { return nil }
        return Int(digits)
    }

    private static func parts(of name: String) -> (Int, String)? {
        guard let shard = shard(of: name), let at = name.firstIndex(of: "@") else { return nil }
        let node = String(name[name.index(after: at)...])
        return isNode(node) ? (shard, node) : nil
    }

    /// Whether the text is a safe node name for srun.
    static func isNode(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 255 && !text.hasPrefix("-")
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || "-._".utf8.contains(byte)
            }
    }
}
