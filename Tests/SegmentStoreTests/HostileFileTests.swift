import Basics
import Foundation
import Glibc
import Testing

@testable import SegmentStore

/// Anything but a regular file under a store file's name, on a real disk: rejected or skipped at once, never waited
/// for, never written through.
@Suite struct HostileFileTests {
    private let directory = TemporaryDirectory()
    private var root: String { directory.path + "/store" }
    private var outside: String { directory.path + "/outside" }
    private let secret = "what stands outside of the store\n"

    private var options: StoreOptions { StoreFixture.options(PosixFileSystem(), block: 900, segment: 1500) }

    private func makeStore() throws {
        let store = try RecordStore.create(
            root, job: [:], failureClasses: StoreFixture.classes, tallies: ["n"], options: options)
        for number in 0..<60 {
            _ = try store.append([StoreFixture.record(number, failing: number % 7 == 3 ? 1 : nil)])
        }
        try store.setMark(1)
        try store.close()
        _ = FileManager.default.createFile(atPath: outside, contents: Data(secret.utf8))
    }

    private enum Kind: CaseIterable {
        case fifo, socket, link, linkToNothing, directory, huge
    }

    private func put(_ kind: Kind, at name: String) {
        let path = root + "/" + name
        _ = try? FileManager.default.removeItem(atPath: path)
        switch kind {
        case .fifo: mkfifo(path, 0o644)
        case .socket: bindSocket(path)
        case .link: symlink(outside, path)
        case .linkToNothing: symlink(directory.path + "/nothing", path)
        case .directory: mkdir(path, 0o755)
        case .huge:
            _ = FileManager.default.createFile(atPath: path, contents: nil)
            Glibc.truncate(path, 100 << 30)
        }
    }

    private func bindSocket(_ path: String) {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        // A socket's path must be short; a temporary directory's need not be.
        let slash = path.lastIndex(of: "/")!
        let parent = open(String(path[..<slash]), O_RDONLY | O_DIRECTORY)
        defer { close(parent) }
        let path = "/proc/self/fd/\(parent)" + path[slash...]
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        close(descriptor)
    }

    /// Runs everything that commands do. Each part ends, with or without an error.
    private func useStore() {
        if let reader = try? StoreReader(root, options: options) {
            _ = try? reader.writer()
            _ = try? reader.mark()
            for lane in Lane.allCases { try? reader.forEach(lane) { _ in } }
            _ = try? reader.record(RecordKey("item-5"))
            _ = try? reader.superseded(.responses)
        }
        _ = try? StoreVerification.run(root, options: options, deep: true)
        if let store = try? RecordStore.open(root, options: options) {
            _ = try? store.append([StoreFixture.record(100), StoreFixture.record(101, failing: 0)])
            try? store.setMark(5)
            try? store.close()
        }
        _ = try? StoreReindex.run(root, options: options, from: .segments)
        _ = try? StoreRepair.run(root, options: options)
    }

    /// Messages distinguish what no command removes from what `retort repair` repairs.
    @Test(arguments: ["index/checkpoint", "index/hints-responses-000001.log"])
    private func somethingElseInThePlaceOfAnIndexFile(name: String) throws {
        for kind in [Kind.fifo, .directory, .link] {
            try? FileManager.default.removeItem(atPath: root)
            try makeStore()
            put(kind, at: name)
            let report = try StoreVerification.run(root, options: options, deep: true)
            let problem = try #require(report.problems.first { $0.place == "\(root)/\(name)" })
            #expect(!problem.isRepairable)
            #expect(problem.remedy.contains("Move it out"))
            _ = try? StoreRepair.run(root, options: options)
            #expect(try FileManager.default.attributesOfItem(atPath: "\(root)/\(name)").isEmpty == false)
            try FileManager.default.removeItem(atPath: "\(root)/\(name)")
            #expect(
                try StoreVerification.run(root, options: options, deep: true).problems.filter { !$0.isRepairable }
                    .isEmpty)
        }
    }

    @Test func everyFileOfTheStoreInTurn() throws {
        try makeStore()
        let names =
            ["retort.json", "LOCK", "MARK", "responses", "failures", "index", "superseded", "quarantine"]
            + ["responses/000001.jsonl.gz", "responses/000009.jsonl.gz", "responses/journal-0000000000000400.jsonl"]
            + ["index/checkpoint", "index/run-00000001.idx", "index/hints-responses-000001.log", "index/reserve"]
            + ["index/hints-failures-000001.log", "retort.json.tmp", "index/checkpoint.tmp"]
        for name in names {
            for kind in Kind.allCases where kind != .huge || name.contains(".") || name == "LOCK" || name == "MARK" {
                try? FileManager.default.removeItem(atPath: root)
                try makeStore()
                put(kind, at: name)
                useStore()
                #expect(try String(contentsOfFile: outside, encoding: .utf8) == secret, "\(kind) at \(name)")
                #expect(access(directory.path + "/nothing", F_OK) != 0, "\(kind) at \(name)")
            }
        }
    }

    @Test func theManifestNamesWhatItIs() throws {
        try makeStore()
        for (kind, word) in [(Kind.fifo, "FIFO"), (.link, "link"), (.directory, "directory"), (.huge, "larger")] {
            put(kind, at: "retort.json")
            #expect {
                try StoreReader(root, options: options)
            } throws: { error in
                let error = error as? RetortError
                return error?.code == .damagedData && error?.place == root + "/retort.json"
                    && error?.description.contains(word) == true
            }
        }
    }

    @Test func aJournalThatIsNoFileIsPassedOver() throws {
        for kind in Kind.allCases {
            try? FileManager.default.removeItem(atPath: root)
            try makeStore()
            put(kind, at: "responses/journal-0000000000000400.jsonl")
            for _ in 0..<2 {
                let reader = try StoreReader(root, options: options)
                #expect(reader.damage.map(\.file) == ["journal-0000000000000400.jsonl"], "\(kind)")
                #expect(try reader.record(RecordKey("item-5")) != nil)
                #expect(try StoreVerification.run(root, options: options).problemCounts[.journal] == 1, "\(kind)")
                let store = try RecordStore.open(root, options: options)
                #expect(store.recovery.damage.count == 1)
                try store.close()
            }
        }
    }

    @Test func indexFilesThatAreNoneAreMadeAgain() throws {
        for name in ["index/checkpoint", "index/hints-responses-000001.log", "index/reserve"] {
            for kind in [Kind.fifo, .link, .socket, .huge] {
                try? FileManager.default.removeItem(atPath: root)
                try makeStore()
                put(kind, at: name)
                let store = try RecordStore.open(root, options: options)
                #expect(try store.lookup(RecordKey("item-5"))?.recordStatus == .ok, "\(kind) at \(name)")
                _ = try store.append([StoreFixture.record(100)])
                try store.close()
                #expect(
                    try StoreReader(root, options: options).record(RecordKey("item-100")) != nil, "\(kind) at \(name)")
            }
        }
    }

    @Test func reindexRemovesOnlyItsOwn() throws {
        try makeStore()
        let own = ["checkpoint", "hints-responses-000001.log", "run-00000001.idx"]
        let others = [
            "notes.txt", "run-1.idx", "run-x.idx", "hints-mine.log", "hints-responses-1.log", "checkpoint.old",
            "backup.new",
        ]
        for name in others {
            _ = FileManager.default.createFile(atPath: "\(root)/index/\(name)", contents: Data("mine".utf8))
        }
        mkdir(root + "/index/run-00000077.idx", 0o755)
        for source in StoreReindex.Source.allCases {
            _ = try StoreReindex.run(root, options: options, from: source)
        }
        let names = directory.names("store/index")
        for name in others + ["run-00000077.idx"] { #expect(names.contains(name), "\(name)") }
        #expect(names.contains(own[0]) && names.contains(own[1]))
    }

    /// Foreign files among the segments are moved to the quarantine unchanged, and then the store is clean.
    @Test func aRepairSetsAsideWhatIsNoFile() throws {
        let names = [
            "responses/000001.jsonl.gz", "failures/000007.jsonl.gz", "responses/journal-0000000000000400.jsonl",
        ]
        for name in names {
            for kind in Kind.allCases where kind != .huge {
                try? FileManager.default.removeItem(atPath: root)
                try makeStore()
                put(kind, at: name)
                #expect(try !StoreVerification.run(root, options: options).isClean, "\(kind) at \(name)")
                _ = try StoreRepair.run(root, options: options)
                #expect(try StoreVerification.run(root, options: options, deep: true).isClean, "\(kind) at \(name)")
                let aside = name.replacingOccurrences(of: "/", with: "-")
                #expect(directory.names("store/quarantine").contains(aside), "\(kind) at \(name)")
            }
        }
        #expect(try String(contentsOfFile: outside, encoding: .utf8) == secret)
    }

    @Test func aRepairRemovesOnlyWhatItHasBegun() throws {
        try makeStore()
        mkdir(root + "/quarantine", 0o755)
        let others = [
            "responses/notes.tmp", "responses/my.jsonl.gz.tmp", "failures/1.jsonl.gz.tmp", "quarantine/letter.tmp",
            "quarantine/responses-1-0-xyz.block.tmp", "quarantine/report.block.tmp",
        ]
        let own = ["responses/000003.jsonl.gz.tmp", "quarantine/responses-1-0-0123456789abcdef.block.tmp"]
        for name in others + own {
            _ = FileManager.default.createFile(atPath: "\(root)/\(name)", contents: Data("mine".utf8))
        }
        mkdir(root + "/failures/000001.jsonl.gz.tmp", 0o755)
        _ = try StoreRepair.run(root, options: options)
        for name in others + ["failures/000001.jsonl.gz.tmp"] {
            #expect(access("\(root)/\(name)", F_OK) == 0, "\(name)")
        }
        for name in own { #expect(access("\(root)/\(name)", F_OK) != 0, "\(name)") }
    }

    /// A directory with the name of the verification's scratch directory.
    @Test func theScratchDirectoryOfOthersStays() throws {
        try makeStore()
        try FileManager.default.removeItem(atPath: root + "/index")
        mkdir(root + "/index", 0o755)
        mkdir(root + ".tmp-verify", 0o755)
        _ = FileManager.default.createFile(atPath: root + ".tmp-verify/thesis.txt", contents: Data("mine".utf8))
        #expect(try StoreVerification.run(root, options: options, deep: true).isClean)
        #expect(directory.names("store.tmp-verify") == ["thesis.txt"])
    }

    @Test func theTextOfALockIsShortAndPrintable() throws {
        let files = PosixFileSystem()
        let path = directory.path + "/LOCK"
        let lock = try files.lock(path)
        #expect(try files.lockHolder(path) == "process \(getpid())")
        for text in [Data(repeating: 0x41, count: 1 << 20), Data("\u{1B}[2Jevil\n".utf8), Data([0xFF, 0xFE]), Data()] {
            try text.write(to: URL(fileURLWithPath: path))
            let holder = try #require(try files.lockHolder(path))
            #expect(holder.utf8.count <= 80 && holder.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
        }
        lock.release()
        // A hard link to another file: the file is locked, and keeps its content.
        _ = FileManager.default.createFile(atPath: outside, contents: Data(secret.utf8))
        link(outside, directory.path + "/LOCK2")
        try files.lock(directory.path + "/LOCK2").release()
        #expect(try String(contentsOfFile: outside, encoding: .utf8) == secret)
    }

    @Test func filesThatTheUserNamesMayBeLinks() throws {
        _ = FileManager.default.createFile(atPath: outside, contents: Data(secret.utf8))
        let path = directory.path + "/job.yaml"
        symlink(outside, path)
        #expect(try PosixFileSystem().text(of: path) == secret)
        unlink(path)
        mkfifo(path, 0o644)
        #expect { try PosixFileSystem().text(of: path) } throws: { ($0 as? RetortError)?.code == .badInput }
        unlink(path)
        try Data([0x61, 0xFF]).write(to: URL(fileURLWithPath: path))
        #expect { try PosixFileSystem().text(of: path) } throws: { ($0 as? RetortError)?.code == .badInput }
    }
}
