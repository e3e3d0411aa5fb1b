internal import Basics
internal import SegmentStore

/// The way from an item of one store to the item of another that comes from the same row: up to the items that its row
/// comes from, as far as both have in common, then down to what came of the same row elsewhere.
public struct ItemWay: Sendable, Hashable {
    /// A stage on the way.
    public struct Step: Sendable, Hashable {
        /// Its store.
        public var root: String
        /// Where its rows are its own answers, the generation they are of.
        public var generation: Int?

        public init(_ root: String, generation: Int? = nil) { (self.root, self.generation) = (root, generation) }
    }

    /// The stages that the rows come from, one out of the other; begins with that of the item.
    public let up: [Step]
    /// What comes of the rows of the last of them elsewhere, one out of the other; empty where the way ends above.
    public let down: [Step]

    private init(_ up: [Step], _ down: [Step]) { (self.up, self.down) = (up, down) }

    /// - Parameters:
    ///   - lineage: the stage of the item, the one that its rows come from, and so on.
    ///   - other: the same of the other stage.
    public init(from lineage: [Step], to other: [Step]) {
        for (height, step) in lineage.enumerated() {
            guard let depth = other.firstIndex(where: { $0.root == step.root }) else { continue }
            if depth == 0 {
                self.init(Array(lineage[...height]), [])
            } else {
                self.init(Array(lineage[..<max(1, height)]), other[...(height == 0 ? depth : depth - 1)].reversed())
            }
            return
        }
        // Their rows are of files.
        self.init(lineage, other.reversed())
    }

    /// The item of the other store.
    ///
    /// - Parameter samples: the samples of each row of a store.
    func item(of key: RecordKey, samples: (String) throws(RetortError) -> Int) throws(RetortError) -> RecordKey {
        var key = key
        for (child, origin) in zip(up, up.dropFirst()) {
            let name = ItemName.before(child.generation, key.id)
            key = ItemName.key(of: name, samples: try samples(origin.root))
        }
        guard let beside = down.first, let common = up.last else { return key }
        let id = ItemName.next(beside.generation, ItemName.before(common.generation, key.id))
        // Of two stages on the same rows the samples belong together, as far as both have them.
        key = RecordKey(id: id, sample: Int(key.sample) < (try samples(beside.root)) ? key.sample : 0)
        for (origin, child) in zip(down, down.dropFirst()) {
            let name = ItemName.name(of: key, samples: try samples(origin.root))
            key = RecordKey(id: ItemName.next(child.generation, name))
        }
        return key
    }
}
