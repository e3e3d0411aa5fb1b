import Basics
import Gzip
import JSONText
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Reporting

@Suite struct ExporterTests {
    private let folder = LivingFixture.Folder()

    private func store(_ count: Int) throws -> StoreReader {
        try LivingFixture.makeStore(
            folder("store"),
            successes: (0..<count).map { number in
                let response = String(repeating: "é", count: number)
                let finish = number % 2 == 0 ? "stop" : "length"
                return (
                    "id-\(number)",
                    #""prompt":"p\#(number)","response":"r\#(response)","reasoning":"","finish_reason":"\#(finish)","model":"m\#(number % 3)""#
                )
            })
        return try StoreReader(folder("store"), options: StoreAccess.options)
    }

    private func exporter(_ output: OutputFile, _ test: OutputFile? = nil, fraction: Double = 0) -> Exporter {
        Exporter(
            filter: ExportFilter(),
            renderer: ExportRenderer(format: .text, reasoning: .drop, withIDs: true, hasSamples: false),
            testFraction: fraction, output: output, test: test)
    }

    private func lines(_ path: String) throws -> [String] {
        try PosixFileSystem().text(of: path).split(separator: "\n").map(String.init)
    }

    @Test func writesEveryRecordOnce() throws {
        let output = try OutputFile(folder("out.jsonl"), replacing: false)
        let report = try exporter(output).run(try store(50))
        #expect(report.written == 50)
        #expect(report.leftOut.isEmpty)
        let ids = try lines(folder("out.jsonl")).map { try LivingFixture.parse($0)["id"]?.string }
        #expect(Set(ids).count == 50)
        #expect(LivingFixture.names(in: folder.path) == ["out.jsonl", "store"])
    }

    @Test func filtersCount() throws {
        let output = try OutputFile(folder("out.jsonl"), replacing: false)
        var exporter = exporter(output)
        exporter.filter = ExportFilter(finishReasons: ["stop"], model: "m0", charactersMin: 3, charactersMax: 13)
        let report = try exporter.run(try store(30))
        // Even multiples of three among 3 to 13 characters: 6 and 12.
        #expect(report.written == 2)
        #expect(report.leftOut == [.finish: 15, .model: 10, .short: 1, .long: 2])
    }

    @Test func theSplitIsDecidedByTheIDAlone() throws {
        let reader = try store(400)
        let (train, test) = (
            try OutputFile(folder("train"), replacing: false), try OutputFile(folder("test"), replacing: false)
        )
        let report = try exporter(train, test, fraction: 0.2).run(reader)
        #expect(report.written + report.writtenToTest == 400)
        // Binomial: 80 expected, standard deviation 8; the ids are fixed, so the count is too.
        #expect((48...112).contains(report.writtenToTest))
        for line in try lines(folder("test")) {
            let id = try #require(try LivingFixture.parse(line)["id"]?.string)
            #expect(Exporter.isTest(Array(id.utf8), fraction: 0.2))
            #expect(Exporter.isTest(Array(id.utf8), fraction: 0.5))
        }
        #expect(!Exporter.isTest(Array("x".utf8), fraction: 0))
        #expect(Exporter.isTest(Array("x".utf8), fraction: 1))
    }
}

/// Lines with different members.
@Suite struct ExportSurveyTests {
    private let folder = LivingFixture.Folder()

    private func export(_ metadata: MetadataForm = .none) throws -> (lines: [JSONValue], report: Exporter.Report) {
        try LivingFixture.makeStore(
            folder("store"),
            successes: (0..<20).map { number in
                let calls = number == 17 ? #"[{\"id\":\"c\",\"function\":{\"name\":\"f\"}}]"# : ""
                let half = number == 5 ? #"\ud83d"# : ""
                let rows = [#"{\"k\":1,\"m\":1}"#, #"{\"k\":2.5,\"m\":\"x\"}"#, #"{\"late\":true}"#]
                return (
                    "id-\(number)",
                    #""messages":[{"role":"user","content":"p\#(half)"}],"messages_json":"","prompt":"","suffix":"","tools":"","#
                        + #""response":"r","tool_calls":"\#(calls)","metadata":"\#(rows[number < 15 ? number % 2 : 2])""#
                )
            })
        let output = try OutputFile(folder("out.jsonl"), replacing: false)
        let exporter = Exporter(
            filter: ExportFilter(),
            renderer: ExportRenderer(
                format: .messages, reasoning: .drop, withIDs: true, hasSamples: false, metadata: metadata),
            output: output, test: nil)
        let report = try exporter.run(try StoreReader(folder("store"), options: StoreAccess.options))
        let text = try PosixFileSystem().text(of: folder("out.jsonl"))
        return (try text.split(separator: "\n").map { try LivingFixture.parse(String($0)) }, report)
    }

    private func members(_ value: JSONValue?) -> [String?] { value?.members.map { $0.key.string } ?? [] }

    @Test func aRecordWithToolCallsComesFirstAndAllTurnsHaveThem() throws {
        let (lines, report) = try export()
        #expect(report.written == 20 && report.replaced == 1)
        #expect(lines.first?["id"]?.string == "id-17")
        #expect(Set(lines.map { $0["id"]?.string }).count == 20)
        for line in lines {
            for turn in line["messages"]?.elements ?? [] {
                #expect(members(turn) == ["role", "content", "tool_calls"])
            }
        }
        #expect(lines.contains { $0["messages"]?.firstElement?["content"]?.string == "p\u{FFFD}" })
    }

    @Test func fieldsHaveOneTypeEach() throws {
        let (lines, _) = try export(.fields(["k", "m", "late", "nowhere"]))
        for line in lines { #expect(members(line).suffix(4) == ["k", "m", "late", "nowhere"]) }
        func raw(_ name: StaticString) -> Set<String> { Set(lines.map { LivingFixture.text($0[name]?.raw ?? []) }) }
        #expect(raw("k") == ["1.0", "2.5", "null"])
        #expect(raw("m") == [#""1""#, #""x""#, "null"])
        #expect(raw("late") == ["true", "null"])
        #expect(raw("nowhere") == ["null"])
        for (place, name) in [(0, "k"), (0, "m")] { #expect(lines[place].member(name.utf8)?.kind != .null) }
        #expect(lines.prefix(2).contains { $0["late"]?.kind == .boolean })
    }

    @Test func allFieldsComeAsText() throws {
        let (lines, _) = try export(.all)
        #expect(lines.allSatisfy { $0["metadata"]?.kind == .string })
    }
}

@Suite struct ExportNotesTests {
    private let folder = LivingFixture.Folder()

    @Test func theNewestAreKept() {
        for number in 0..<ExportNotes.notesMax + 3 {
            ExportNotes.add(
                ExportNote(
                    time: Int64(number), format: "text", output: "a\n", options: "--ids", written: number,
                    leftOut: ["of another model": 2]), to: folder.path)
        }
        let notes = ExportNotes.read(folder.path)
        #expect(notes.map(\.written) == Array(3..<ExportNotes.notesMax + 3))
        #expect(notes.last?.leftOut == ["of another model": 2])
        #expect(ExportNotes.lines(notes, max: 1).count == 2)
        #expect(LivingFixture.names(in: folder.path) == [ExportNotes.fileName])
    }

    @Test(arguments: ["", "x", "{\"time\":9223372036854775807,\"format\":\"a\"}", "[]\n{\"time\":-5}"])
    func whatIsNotOursIsNothing(text: String) throws {
        let file = try Folder()
        try file.write(ExportNotes.fileName, text)
        #expect(ExportNotes.read(file.path).isEmpty)
        #expect(ExportNotes.read(file.path + "/none").isEmpty)
    }
}

@Suite struct OutputFileTests {
    private let folder = LivingFixture.Folder()

    @Test func appearsOnlyWhenFinished() throws {
        let file = try OutputFile(folder("a"), replacing: false)
        try file.line(Array("one".utf8))
        #expect(!LivingFixture.names(in: folder.path).contains("a"))
        try file.finish()
        #expect(LivingFixture.names(in: folder.path) == ["a"])
        #expect(try PosixFileSystem().text(of: folder("a")) == "one\n")
        file.discard()
        #expect(LivingFixture.names(in: folder.path) == ["a"])
    }

    @Test func leavesNoTraceWhenDropped() throws {
        do {
            let file = try OutputFile(folder("a"), replacing: false)
            try file.line(Array("one".utf8))
            file.discard()
        }
        _ = try OutputFile(folder("b"), replacing: false)
        #expect(LivingFixture.names(in: folder.path).isEmpty)
    }

    @Test func refusesToReplaceUnlessTold() throws {
        let first = try OutputFile(folder("a"), replacing: false)
        try first.finish()
        let error = #expect(throws: RetortError.self) { try OutputFile(folder("a"), replacing: false) }
        #expect(error?.code == .usage)
        #expect(error?.remedy?.contains("--force") == true)
        let second = try OutputFile(folder("a"), replacing: true)
        try second.line([0x78])
        try second.finish()
        #expect(try PosixFileSystem().text(of: folder("a")) == "x\n")
    }

    @Test func saysWhatIsWrongWithThePlace() throws {
        #expect(throws: RetortError.self) { try OutputFile(folder.path, replacing: true) }
        let error = #expect(throws: RetortError.self) { try OutputFile(folder("no/where"), replacing: false) }
        #expect(error?.code == .io)
        let full = try OutputFile("/dev/full", replacing: false)
        try full.line([0x78])
        let noSpace = #expect(throws: RetortError.self) { try full.finish() }
        #expect(noSpace?.code == .noSpace)
    }

    @Test func compressesIntoOneMember() throws {
        let file = try OutputFile(folder("a.gz"), replacing: false)
        for number in 0..<20_000 { try file.line(Array("line \(number)".utf8)) }
        try file.finish()
        let bytes = LivingFixture.bytes(of: folder("a.gz"))
        var rest = bytes[...]
        let reader = GzipReader(name: "a.gz") { buffer throws(RetortError) in
            let piece = rest.prefix(buffer.count)
            rest = rest.dropFirst(piece.count)
            buffer.copyBytes(from: piece)
            return piece.count
        }
        var size = 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try reader.read(into: buffer)
            if count == 0 { break }
            size += count
        }
        #expect(size == (0..<20_000).reduce(0) { $0 + "line \($1)\n".utf8.count })
        // The last member's size is at the end (RFC 1952): here it is that of the whole file.
        let stated = bytes.suffix(4).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        #expect(stated == size)
    }
}
