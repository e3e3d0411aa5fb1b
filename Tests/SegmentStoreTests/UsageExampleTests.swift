import Foundation
import SegmentStore
import Testing

/// The example in the documentation of `RecordStore`, compiled, run, and compared with the comment word by word.
@Suite struct UsageExampleTests {
    @Test func theDocumentedExampleRuns() throws {
        let directory = TemporaryDirectory()
        let root = directory.path + "/example"
        // The example begins.
        let store = try RecordStore.create(root, job: ["model": "small"], failureClasses: ["timeout"])
        _ = try store.append([
            NewRecord(
                key: RecordKey("sum"), status: .ok, attempts: 1, row: 0, fingerprint: 17,
                members: Array(#""prompt":"2 + 2","response":"4""#.utf8)),
            NewRecord(
                key: RecordKey("poem"), status: .failed(classIndex: 0), attempts: 5, row: 1, fingerprint: 18,
                members: Array(#""prompt":"A poem","message":"no answer after 60 s""#.utf8)),
        ])
        try store.endInput(rows: 2)
        try store.close()

        let reader = try StoreReader(root)
        if let record = try reader.record(RecordKey("sum")) {
            print(String(decoding: record.line, as: UTF8.self))
        }
        try reader.forEach(.failures) { record in print(record.head.key, "failed") }

        let report = try StoreVerification.run(root, deep: true)
        print(report.equation, report.isClean ? "all is well" : "see report.problems")
        // The example ends.
        #expect(report.isClean)
        #expect(report.done == 1)
        #expect(report.failed == 1)
    }

    @Test func theDocumentationShowsThisCode() throws {
        let here = URL(fileURLWithPath: #filePath)
        let package = here.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let source = package.appendingPathComponent("Sources/SegmentStore/RecordStore.swift")
        let comment = try String(contentsOf: source, encoding: .utf8).split(separator: "\n")
            .drop { !$0.hasPrefix("///     ") }.prefix { $0.hasPrefix("///     ") || $0 == "///" }
            .filter { $0 != "///" }.map { $0.dropFirst("///     ".count) }
        let code = try String(contentsOf: here, encoding: .utf8).split(separator: "\n")
            .drop { $0 != "        // The example begins." }.dropFirst().prefix { $0 != "        // The example ends." }
            .filter { !$0.isEmpty }.map { $0.dropFirst(8) }
        #expect(!code.isEmpty)
        #expect(comment == code)
    }
}
