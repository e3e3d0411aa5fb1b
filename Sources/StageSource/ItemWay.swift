internal import Basics
internal import SegmentStore

/// Maps an item of one store to the item of another that comes from the same row: up to the last common ancestor stage,
/// then down to the other stage.
public struct ItemWay: Sendable, Hashable {
    /// A stage on the path.
    public struct Step: Sendable, Hashable {
        /// Its store.
        public var root: String
        /// The generation, if its rows are its own answers.
        public var generation: Int?

        public init(_ root: String, generation: Int? = nil) { (self.root, self.generation) = (root, generation) }
    }

    /// The stages that the rows come from, in order; begins with the item's own stage.
    public let up: [Step]
    /// The stages on the other side, from the common ancestor down; empty if the path ends above.
    public let down: [Step]

    private init(_ up: [Step], _ down: [Step]) { (self.up, self.down) = (up, down) }

    /// - Parameters:
    ///   - lineage: the stage of the item, the stage that its rows come from, and so on.
    ///   - other: the lineage of the other stage.
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
        // Their rows come from files.
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
        // For two stages on the same rows the samples correspond, as far as both have them.
        key = RecordKey(id: id, sample: Int(key.sample) < (try samples(beside.root)) ? key.sample : 0)
        for (origin, child) in zip(down, down.dropFirst()) {
            let name = ItemName.name(of: key, samples: try samples(origin.root))
            key = RecordKey(id: ItemName.next(child.generation, name))
        }
        return key
    }
}
