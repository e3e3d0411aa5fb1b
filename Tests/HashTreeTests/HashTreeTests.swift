import Testing

@testable import HashTree

@Suite struct HashTreeTests {
    /// The leaves and roots that the implementations of certificate transparency test themselves by.
    private static let leaves: [[UInt8]] = [
        [], [0x00], [0x10], [0x20, 0x21], [0x30, 0x31], [0x40, 0x41, 0x42, 0x43], Array(0x50...0x57),
        Array(0x60...0x6F),
    ]
    private static let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]

    @Test func rootsAreThoseOfTheStandard() {
        var tree = HashTree()
        #expect(tree.root.description == Self.roots[0] && tree.count == 0)
        for (leaf, root) in zip(Self.leaves, Self.roots.dropFirst()) {
            tree.append(leaf.withUnsafeBytes { HashTree.leaf($0) })
            #expect(tree.root.description == root)
        }
    }

    @Test func orderAndNumberMatter() {
        func root(_ numbers: [UInt8]) -> SHA256Digest {
            var tree = HashTree()
            for number in numbers { tree.append([number].withUnsafeBytes { HashTree.leaf($0) }) }
            return tree.root
        }
        let all = [[1, 2, 3], [3, 2, 1], [1, 2], [1, 2, 3, 3], [], [1]].map { root($0) }
        #expect(Set(all).count == all.count)
    }

    @Test func digestsAreReadAsTheyAreWritten() throws {
        let digest = try #require(SHA256Digest(Self.roots[3]))
        #expect(digest.description == Self.roots[3] && digest.bytes.count == 32 && digest.bytes.first == 0xAE)
        for text in ["", "ae", String(repeating: "g", count: 64), Self.roots[3] + "0"] {
            #expect(SHA256Digest(text) == nil)
        }
    }
}
