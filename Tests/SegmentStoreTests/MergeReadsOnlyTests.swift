import Basics
import Glibc
import TestSupport
import Testing

@testable import SegmentStore

/// A merge does not change its sources, whatever state they are in.
@Suite struct MergeReadsOnlyTests {
    private func sources(_ fixture: MergeFixture) -> [String: [UInt8]] {
        fixture.files.snapshot.filter { $0.key.hasPrefix("/source-") }
    }

    /// Closed and killed stores, with and without an index.
    @Test(arguments: [true, false], [true, false])
    func noByteOfASourceChanges(closes: Bool, hasIndex: Bool) throws {
        var fixture = MergeFixture()
        try fixture.add(0..<60, failing: [3, 9], closes: closes)
        try fixture.add(40..<90, failing: [41, 42], closes: closes)
        if !hasIndex {
            for path in fixture.files.snapshot.keys where path.contains("/index/") {
                fixture.files.overwrite(path, with: nil)
            }
        }
        let before = sources(fixture)
        try fixture.checkedMerge()
        #expect(sources(fixture) == before)
    }

    /// Whenever the source was killed.
    @Test func aStoreKilledAtAnyCallIsReadAsItIs() throws {
        var rehearsal = MergeFixture()
        try rehearsal.add(0..<30, failing: [2])
        for call in stride(from: 12, through: rehearsal.files.calls, by: 3) {
            var fixture = MergeFixture()
            fixture.files.die(duringCall: call)
            do { try fixture.add(0..<30, failing: [2]) } catch {}
            fixture.files.kill()
            fixture.roots = ["/source-0"]
            guard (try? RecordStore.manifest(of: "/source-0", files: fixture.files)) != nil else { continue }
            let before = sources(fixture)
            try fixture.checkedMerge()
            #expect(sources(fixture) == before, "call \(call)")
        }
    }

    @Test func whatIsBeingRevisedIsRefused() throws {
        var fixture = MergeFixture()
        try fixture.add(0..<30)
        var manifest = try StoreManifest.load(StoreLayout(root: "/source-0"), files: fixture.files)
        manifest.begin(Superseding())
        try manifest.save(StoreLayout(root: "/source-0"), files: fixture.files)
        let before = sources(fixture)
        let error = #expect(throws: RetortError.self) { try fixture.merge() }
        #expect(error?.remedy?.contains("retort repair") == true)
        #expect(sources(fixture) == before)
    }

    @Test func aLockForReadingKeepsWritersOutAndWritesNothing() throws {
        let directory = TemporaryDirectory()
        let files = PosixFileSystem()
        let path = directory.path + "/LOCK"
        #expect(try files.lockShared(path) == nil)
        try files.lock(path).release()
        let before = try files.text(of: path)
        let first = try #require(try files.lockShared(path))
        let second = try #require(try files.lockShared(path))
        #expect(throws: RetortError.self) { try files.lock(path) }
        #expect(try files.text(of: path) == before)
        first.release()
        second.release()
        let writer = try files.lock(path)
        let error = #expect(throws: RetortError.self) { try files.lockShared(path) }
        #expect(error?.code == .busy && error?.cause?.contains("process") == true)
        writer.release()
    }

    /// On the real disk: a killed store in a read-only directory. The superuser can write anywhere, so the bytes are
    /// compared as well.
    @Test func aDirectoryThatMayOnlyBeRead() throws {
        let directory = TemporaryDirectory()
        let root = directory.path + "/store"
        var options = StoreFixture.options(PosixFileSystem())
        do {
            let store = try RecordStore.create(
                root, job: [:], failureClasses: StoreFixture.classes, tallies: ["n"], options: options)
            for number in 0..<40 { _ = try store.append([StoreFixture.record(number, failing: number == 5 ? 1 : nil)]) }
        }
        func bytes() throws -> [String: [UInt8]] {
            var bytes: [String: [UInt8]] = [:]
            for folder in ["", "/responses", "/failures", "/index"] {
                for name in directory.names("store" + folder) where name.contains(".") || name == "LOCK" {
                    let path = root + folder + "/" + name
                    bytes[folder + "/" + name] = try PosixFileSystem().contents(of: path, bytesMax: 1 << 24)
                }
            }
            return bytes
        }
        let folders = ["/responses", "/failures", "/index", ""].map { root + $0 }
        for folder in folders { chmod(folder, 0o555) }
        defer { for folder in folders { chmod(folder, 0o755) } }
        let before = try bytes()
        #expect(before.keys.contains { $0.contains("journal-") })
        let report = try StoreMerge.run([root], into: directory.path + "/merged", options: options)
        #expect(report.counters.done == 39 && report.counters.failed == 1)
        #expect(try bytes() == before)
        options.recount = { _ in Tallies() }
        #expect(try StoreVerification.run(directory.path + "/merged", options: options, deep: true).isClean)
    }
}
