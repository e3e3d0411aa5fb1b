import Basics
import Glibc
import PromptSource
import Testing

@Suite struct InputSetTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func names(_ operands: String...) throws -> [String] {
        try InputSet.resolve(operands.map { "\(directory.path)/\($0)" }).files.map { directory.relative($0.path) }
    }

    private func failure(_ operands: [String]) -> RetortError? {
        do {
            _ = try InputSet.resolve(operands)
            return nil
        } catch {
            return error
        }
    }

    @Test func filesKeepTheOrderTheyAreNamedIn() throws {
        for name in ["b.jsonl", "a.jsonl"] { try directory.write(name, "{}") }
        #expect(try names("b.jsonl", "a.jsonl", "b.jsonl") == ["b.jsonl", "a.jsonl", "b.jsonl"])
    }

    @Test func aDirectoryGivesItsInputFilesByName() throws {
        let taken = ["10.jsonl", "9.csv", "a.jsonl.gz", "b.ndjson", "c.tsv", "d.txt", "é.jsonl"]
        let others = ["readme.md", "data.json", ".hidden.jsonl", "x.parquet", "jsonl", "y.jsonl.bak"]
        for name in taken.reversed() + others { try directory.write(name, "{}") }
        #expect(mkdir("\(directory.path)/nested.jsonl", 0o700) == 0)
        let set = try InputSet.resolve([directory.path])
        #expect(set.files.map { directory.relative($0.path) } == taken)
        #expect(set.files.map(\.format) == [.jsonLines, .csv, .jsonLines, .jsonLines, .tsv, .text, .jsonLines])
    }

    @Test func patternsMatchSortedAndALiteralNameComesFirst() throws {
        for name in ["p2.jsonl", "p1.jsonl", "q.jsonl", "[q].jsonl"] { try directory.write(name, "{}") }
        #expect(try names("p*.jsonl") == ["p1.jsonl", "p2.jsonl"])
        #expect(try names("{q,p1}.jsonl") == ["p1.jsonl", "q.jsonl"])
        #expect(try names("[q].jsonl") == ["[q].jsonl"])
        #expect(failure(["\(directory.path)/z*.jsonl"])?.code == .inputMissing)
    }

    @Test func theFormatCanBeForced() throws {
        let path = try directory.write("a.csv", "x")
        #expect(try InputSet.resolve([path], format: .text).files[0].format == .text)
        #expect(try InputSet.resolve(["-"], format: .csv).files[0].format == .csv)
        #expect(try InputSet.resolve(["-"]).files[0].format == .jsonLines)
    }

    @Test func whatIsNotThereIsNamedWithARemedy() throws {
        let path = "\(directory.path)/none.jsonl"
        let error = try #require(failure([try directory.write("a.jsonl", "{}"), path]))
        #expect(error.code == .inputMissing && error.place == path && error.remedy != nil)
        #expect(error.message == "no such input file")
    }

    @Test func aFileUsedAsADirectoryIsAnError() throws {
        let path = try directory.write("a.jsonl", "{}")
        #expect(failure(["\(path)/b.jsonl"])?.code == .inputMissing)
    }

    @Test(.enabled(if: geteuid() != 0, "root may read everything"))
    func whatCannotBeReadIsAnErrorBeforeAnythingIsRead() throws {
        let path = try directory.write("a.jsonl", "{}")
        #expect(chmod(path, 0) == 0)
        let error = try #require(failure([path]))
        #expect(error.code == .inputMissing && error.message == "the input cannot be read")
    }

    @Test func aDirectoryWithoutInputFilesIsAnError() throws {
        try directory.write("readme.md", "x")
        let error = try #require(failure([directory.path]))
        #expect(error.code == .inputMissing && error.remedy?.contains("*.jsonl") == true)
    }

    @Test func aFileAndItsCompressedCopyInADirectoryAreMisuse() throws {
        for name in ["a.jsonl", "b.jsonl", "b.jsonl.gz"] { try directory.write(name, "{}") }
        #expect(failure([directory.path])?.code == .usage)
        #expect(try names("b.jsonl", "b.jsonl.gz").count == 2)
    }

    @Test func aLinkThatLeadsToItselfCannotBeRead() throws {
        let path = "\(directory.path)/loop.jsonl"
        #expect(symlink(path, path) == 0)
        let error = try #require(failure([path]))
        #expect(error.code == .inputMissing && error.message == "the input cannot be read" && error.remedy != nil)
    }

    @Test func nothingOrStandardInputTwiceIsMisuse() {
        #expect(failure([])?.code == .usage)
        #expect(failure(["-", "-"])?.code == .usage)
    }

    @Test(arguments: [
        ([0x28, 0xB5, 0x2F, 0xFD, 0, 0], "zstd"), (Array("PK\u{3}\u{4}rest".utf8), "zip"),
        (Array("PAR1\u{15}rest".utf8), "Parquet"), ([0xFF, 0xFE, 0x7B, 0], "UTF-16"),
        (Array("BZh91AY&SY".utf8), "bzip2"),
    ]) func foreignFormatsAreRefusedByTheirFirstBytes(bytes: [UInt8], name: String) throws {
        let error = try #require(failure([try directory.write("a.jsonl", bytes)]))
        #expect(error.code == .badInput && error.message.contains(name) && error.remedy != nil)
    }

    @Test func textThatOnlyBeginsLikeASignatureIsText() throws {
        for text in ["BZh is a magic number", "PAR1 is one too", "PK"] {
            #expect(failure([try directory.write("a.txt", text)]) == nil)
        }
    }

    @Test func anIdentityChangesWithTheContentTheTimeAndTheFormat() throws {
        let path = try directory.write("a.jsonl", String(repeating: "x", count: 200_000))
        func identity(_ format: InputFormat? = nil) throws -> InputIdentity {
            try InputSet.resolve([path], format: format).identity
        }
        func setTime(_ seconds: Int) {
            var times = [timespec(tv_sec: seconds, tv_nsec: 0), timespec(tv_sec: seconds, tv_nsec: 0)]
            #expect(utimensat(AT_FDCWD, path, &times, 0) == 0)
        }
        setTime(1_000)
        let first = try identity()
        #expect(try identity().isUnchanged(since: first))
        #expect(first.files[0].size == 200_000 && first.files[0].modified == 1_000_000_000_000)
        #expect(try !identity(.text).isUnchanged(since: first))
        setTime(1_001)
        #expect(try !identity().isUnchanged(since: first))
        for at in [0, 199_999] {
            var bytes = [UInt8](repeating: UInt8(ascii: "x"), count: 200_000)
            bytes[at] = 0
            try directory.write("a.jsonl", bytes)
            setTime(1_000)
            #expect(try !identity().isUnchanged(since: first), "byte \(at)")
        }
    }

    @Test func nobodyVouchesForAStream() throws {
        let identity = try InputSet.resolve(["/dev/null"]).identity
        #expect(identity == identity && !identity.isUnchanged(since: identity))
    }
}
