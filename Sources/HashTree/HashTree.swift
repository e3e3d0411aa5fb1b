/// The Merkle tree of RFC 6962, section 2.1: one root that commits to all leaves, their number and their order.
///
/// Takes the leaves one after another and keeps one hash per level.
public struct HashTree: Sendable {
    /// The roots of the whole subtrees, largest first: one for each bit of `count`.
    private var subtrees: [SHA256Digest] = []
    public private(set) var count = 0

    private static let leafPrefix: UInt8 = 0
    private static let nodePrefix: UInt8 = 1

    public init() {}

    /// The hash of a leaf with these bytes.
    public static func leaf(_ bytes: UnsafeRawBufferPointer) -> SHA256Digest {
        SHA256Digest(prefix: leafPrefix, of: bytes)
    }

    private static func node(_ left: SHA256Digest, _ right: SHA256Digest) -> SHA256Digest {
        left.bytes.withUnsafeBytes { left in
            right.bytes.withUnsafeBytes { right in SHA256Digest(prefix: nodePrefix, of: left, right) }
        }
    }

    /// Adds a leaf by its hash.
    public mutating func append(_ leaf: SHA256Digest) {
        var subtree = leaf
        for _ in 0..<count.trailingOnes { subtree = Self.node(subtrees.removeLast(), subtree) }
        subtrees.append(subtree)
        count += 1
    }

    /// The root of the leaves so far.
    public var root: SHA256Digest {
        guard var root = subtrees.last else { return SHA256Digest(of: UnsafeRawBufferPointer(start: nil, count: 0)) }
        for subtree in subtrees.dropLast().reversed() { root = Self.node(subtree, root) }
        return root
    }
}

extension Int {
    fileprivate var trailingOnes: Int { (~self).trailingZeroBitCount }
}
