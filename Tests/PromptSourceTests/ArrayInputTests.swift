import Basics
import Testing

@testable import PromptSource

/// Files that are one JSON array, tables with other separators and line ends, and files in other formats.
@Suite struct ArrayInputTests {
    @Test(arguments: [
        #"[{"a":1},{"a":[2,"]"]}]"#, "[\n {\"a\":1},\n {\"a\":[2,\"]\"]}\n]\n",
        "\u{FEFF}[{\"a\":1}\n,\n{\"a\":[2,\"]\"]}]",
    ]) func elementsAreRows(text: String) throws {
        let reading = try read(text, name: "a.json")
        #expect(reading.contents == [#"{"a":1}"#, #"{"a":[2,"]"]}"#] && reading.error == nil)
        #expect(try read(Array(gzipped(Array(text.utf8))), name: "a.json.gz").contents == reading.contents)
    }

    @Test func readingGoesOnBehindEachElement() throws {
        let directory = try TemporaryDirectory()
        let text = "[\n" + (0..<50).map { #" {"a": \#($0),\#n  "b": "x"}"# }.joined(separator: ",\n") + "\n]"
        let input = try InputSet.resolve([try directory.write("a.json", text)])
        let whole = read(input)
        #expect(whole.rows.count == 50 && whole.error == nil)
        for (index, landmark) in whole.landmarks.enumerated() {
            let rest = read(input, from: landmark)
            #expect(rest.contents == Array(whole.contents[index...]))
            #expect(rest.rows.map(\.line) == whole.rows[index...].map(\.line))
        }
    }

    @Test(arguments: ["[{}", "[{} {}]", "[,{}]", "[{}\n]\n[", "[{},", "[{\"a\":\"", "["])
    func brokenArraysEndWithAnError(text: String) throws {
        #expect(try read(text).error?.code == .badInput)
    }

    @Test func listsOnLinesAreNoArray() throws {
        #expect(try read("[1]\n[2]\n").contents == ["[1]", "[2]"])
        #expect(try read("[]").rows.isEmpty)
    }

    @Test func faultsInElementsHaveTheirLine() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("a.json", "[\n  {\"prompt\":\n   5}\n]")
        let input = try InputSet.resolve([path])
        let row = try #require(try RowReader(input).next())
        #expect(throws: RetortError(.badInput, "prompt is a number; expected a string", at: path + ":3:4")) {
            try PromptParser(input).parse(row)
        }
    }

    @Test(arguments: [
        "id;prompt\n1;a, b\n", "id,prompt\r1,\"a, b\"\r", "sep=|\nid|prompt\n1|a, b\n", "id\tprompt\n1\ta, b\n",
        "id,prompt\r\n1,\"a, b\"\r\n", "\u{FEFF}id;prompt\r1;a, b",
    ]) func tablesSayHowTheyAreWritten(text: String) throws {
        #expect(try read(text, name: "t.csv").contents == [#"{"id":"1","prompt":"a, b"}"#])
    }

    @Test func returnsEndLinesOfTextsAndRows() throws {
        #expect(try read("a\rb", name: "t.txt").contents == [#"{"prompt":"a"}"#, #"{"prompt":"b"}"#])
        #expect(try read("{\"a\":1}\r{\"a\":2}\r").contents == [#"{"a":1}"#, #"{"a":2}"#])
        #expect(try read("{\r\"a\":1}").contents == ["{\r\"a\":1}"])
    }

    @Test(
        arguments: [
            ([0x50, 0x41, 0x52, 0x31, 0], "Parquet", "pandas.read_parquet"),
            ([0x50, 0x4B, 3, 4, 0], "zip", "unzip -p"),
            ([0x28, 0xB5, 0x2F, 0xFD, 0], "zstd", "zstd -dc"), ([0xFF, 0xFE, 0x7B, 0], "UTF-16", "iconv -f UTF-16"),
            ([0x7B, 0, 0x22, 0, 0x61, 0, 0x22, 0], "UTF-16", "iconv -f UTF-16LE"),
        ] as [([UInt8], String, String)])
    func otherFormatsSayHowToPipeThemIn(bytes: [UInt8], name: String, command: String) throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("x.jsonl", bytes)
        do {
            _ = try InputSet.resolve([path])
            Issue.record("taken")
        } catch {
            #expect(error.message.contains(name) && error.remedy?.contains(command) == true, "\(error)")
            #expect(error.remedy?.contains("| retort run - ...") == true)
        }
    }
}
