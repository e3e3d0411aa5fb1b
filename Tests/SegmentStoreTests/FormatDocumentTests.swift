import Basics
import TestSupport
import Testing

@testable import SegmentStore

/// The format document's example is a block that the store really writes, and its sizes are correct.
@Suite struct FormatDocumentTests {
    private static let path =
        String(#filePath.dropLast("Tests/SegmentStoreTests/FormatDocumentTests.swift".count))
        + "Sources/SegmentStore/FORMAT.md"

    private func document() throws -> String {
        let bytes = try #require(try PosixFileSystem().contents(of: Self.path, bytesMax: 1 << 20))
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The block of the example: two records in a store with the golden store's id.
    private func segment() throws -> [UInt8] {
        let files = SimulatedFileSystem(seed: 1)
        var options = StoreFixture.options(files)
        options.compressionLevel = 6
        let manifest = StoreManifest(storeID: GoldenStoreTests.storeID, job: [:], failureClasses: [])
        let store = try RecordStore.create(StoreFixture.root, manifest: manifest, options: options)
        let records = ["a", "b"].enumerated().map { number, id in
            NewRecord(
                key: RecordKey(id), status: .ok, attempts: 1, row: UInt64(number), fingerprint: 0xFEED,
                members: Array(#""response":"42""#.utf8))
        }
        _ = try store.append(records)
        try store.close()
        return try #require(files.snapshot[StoreFixture.root + "/responses/000001.jsonl.gz"])
    }

    private func dump(_ bytes: [UInt8]) -> [String] {
        stride(from: 0, to: bytes.count, by: 16).map { start in
            let cells = bytes[start..<min(start + 16, bytes.count)].map { byte in
                String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
            }
            return String(Hexadecimal.string(UInt64(start)).suffix(4)) + "  " + cells.joined(separator: " ")
        }
    }

    @Test func theWorkedExampleIsABlock() throws {
        let lines = try document().split(separator: "\n")
        for line in dump(try segment()) { #expect(lines.contains("    \(line)"), "\(line)") }
    }

    @Test func theWorkedLinesAreRecords() throws {
        let text = try document()
        func expect(_ key: RecordKey, _ status: RecordStatus, _ members: String) {
            let record = NewRecord(
                key: key, status: status, attempts: 1, row: 0, fingerprint: 0xFEED, members: Array(members.utf8))
            #expect(text.contains("    " + String(decoding: StoreFixture.line(record), as: UTF8.self) + "\n"))
        }
        expect(RecordKey("a", part: .round(1)), .round, #""response":"41""#)
        expect(RecordKey("a", part: .verdict("sum")), .verdict, #""ok":true"#)
    }

    @Test func sizesAreAsStated() throws {
        let text = try document()
        for size in [
            "a header of \(BlockHeader.bytes) bytes", "a trailer of \(BlockHeader.trailerBytes) bytes",
            "A group is \(HintGroup.bytes(records: 0)) bytes long", "A hint is \(RecordHint.bytes) bytes long",
            "An entry is \(IndexEntry.bytes) bytes long", "That suffix of \(JournalLine.suffixBytes) bytes",
            "\(RunFormat.entriesPerPage) entries a page",
        ] { #expect(text.contains(size), "\(size)") }
    }
}
