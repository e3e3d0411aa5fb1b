import Basics
import SegmentStore
import TestSupport
import Testing

/// The simulated machine's power cuts include cases that a simpler simulation would hide.
@Suite struct SimulatedDiskTests {
    private func machine(_ seed: UInt64) throws -> SimulatedFileSystem {
        let files = SimulatedFileSystem(seed: seed)
        try files.createDirectory("/a")
        let file = try files.open("/a/file", .createNew)
        try write([1, 2, 3], to: file)
        try file.syncData()
        return files
    }

    private func write(_ bytes: [UInt8], to file: any StoreFile) throws {
        try bytes.withUnsafeBytes { try file.write($0, at: 0) }
    }

    @Test func renamingADirectoryMakesNothingInItDurable() throws {
        var found: Set<Bool> = []
        for seed in 1...40 as ClosedRange<UInt64> {
            let files = try machine(seed)
            try files.rename("/a", to: "/b")
            try files.syncDirectory("")
            #expect(files.snapshot["/b/file"] == [1, 2, 3])
            files.cutPower()
            #expect(try files.entries(of: "/a").isEmpty && files.size(of: "/b") != nil)
            found.insert(files.snapshot["/b/file"] != nil)
        }
        #expect(found == [true, false])
    }

    @Test func aSyncByTheNewNameDoes() throws {
        for seed in 1...40 as ClosedRange<UInt64> {
            let files = try machine(seed)
            try files.rename("/a", to: "/b")
            try files.syncDirectory("/b")
            try files.syncDirectory("")
            files.cutPower()
            #expect(files.snapshot == ["/b/file": [1, 2, 3]])
        }
    }

    /// Existing bytes on the disk are either unchanged or overwritten by the new data: zeros appear only in new space.
    @Test func bytesThatAreThereAreNotZeroed() throws {
        for seed in 1...40 as ClosedRange<UInt64> {
            let files = try machine(seed)
            try files.syncDirectory("/a")
            try write([1, 2, 3, 4, 5], to: files.open("/a/file", .readWrite))
            files.cutPower()
            #expect(files.snapshot["/a/file"]!.starts(with: [1, 2, 3]))
        }
    }
}
