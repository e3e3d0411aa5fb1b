import Basics
import JSONText
import TestSupport
import Testing

@testable import PromptSource

@Suite struct DelimitedTests {
    @Test func rowsBecomeObjectsOfStrings() throws {
        let reading = try read("prompt,n\r\nhello,1\r\n\"a, \"\"b\"\"\",\r\n", name: "a.csv")
        #expect(reading.contents == [#"{"prompt":"hello","n":"1"}"#, #"{"prompt":"a, \"b\"","n":""}"#])
        #expect(reading.rows.map(\.line) == [2, 3])
    }

    @Test func quotedFieldsHoldLineEnds() throws {
        let reading = try read("q,r\n\"one\r\ntwo\n\n\",3\nx,\"\"\n", name: "a.csv")
        #expect(reading.contents == [#"{"q":"one\r\ntwo\n\n","r":"3"}"#, #"{"q":"x","r":""}"#])
        #expect(reading.rows.map(\.line) == [2, 6])
    }

    @Test func quotesWithinAnUnquotedFieldAreData() throws {
        #expect(try read("q\n5\" pipe\n", name: "a.csv").contents == [#"{"q":"5\" pipe"}"#])
    }

    @Test func tabsSeparateTSV() throws {
        #expect(try read("q\tr\na,b\t\"c\td\"\n", name: "a.tsv").contents == [#"{"q":"a,b","r":"c\td"}"#])
    }

    @Test func raggedRowsAreBadAndTheRestGoesOn() throws {
        let reading = try read("a,b\n1\n1,2\n1,2,3\n3,4", name: "a.csv")
        #expect(
            reading.contents == [
                "!1 field where the header has 2; a field that holds the separator is quoted", #"{"a":"1","b":"2"}"#,
                "!3 fields where the header has 2; a field that holds the separator is quoted",
                #"{"a":"3","b":"4"}"#,
            ])
        #expect(reading.rows[2].excerpt == Array("1,2,3".utf8))
    }

    @Test func textBehindAClosingQuoteIsBad() throws {
        let reading = try read("a,b\nx,\"y\"z\n1,2\n", name: "a.csv")
        #expect(reading.contents.last == #"{"a":"1","b":"2"}"#)
        guard case .bad(let bad) = reading.rows[0].content else { throw RetortError(.badInput, "not bad") }
        #expect(bad.column == 6 && bad.reason.contains("closing quote"))
    }

    @Test func aQuoteThatIsNeverClosedIsOneBadRow() throws {
        let reading = try read("a,b\n1,2\n3,\"four\n5,6\n", name: "a.csv")
        #expect(
            reading.contents == [
                #"{"a":"1","b":"2"}"#,
                "!a quoted field is not closed before the end of the file; a quote within a field is written twice",
            ])
        #expect(reading.rows[1].line == 3)
    }

    @Test func aRecordOverTheLimitIsPassedOver() throws {
        let long = (0..<100).map { "line \($0)" }.joined(separator: "\n")
        let reading = try read("a,b\n\"\(long)\",\"x\"\n1,2\n", name: "a.csv", lineBytesMax: 200)
        #expect(reading.contents == ["!the row is longer than 200 bytes", #"{"a":"1","b":"2"}"#])
        #expect(reading.rows.map(\.line) == [2, 102])
    }

    @Test func bytesThatAreNotUTF8AreNamedByField() throws {
        let reading = try read(Array("a,b\nx,".utf8) + [0xC3] + Array("\n1,2".utf8), name: "a.csv")
        #expect(reading.contents == ["!not UTF-8 in field 2; iconv -t UTF-8 converts the file", #"{"a":"1","b":"2"}"#])
    }

    @Test(arguments: ["a,b,a\n1,2,3\n", "\"a\n1,2", "\"a\"b,c\n1,2"]) func anUnusableHeaderEndsTheFile(text: String)
        throws
    {
        let reading = try read(text, name: "a.csv")
        #expect(reading.rows.isEmpty)
        let error = try #require(reading.error)
        #expect(error.code == .badInput && error.place?.hasSuffix("a.csv:1") == true && error.remedy != nil)
    }

    @Test func aFaultOfARowNamesTheLineButNoColumn() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("a.csv", "messages\nhello\n")
        let input = try InputSet.resolve([path])
        let row = try #require(read(input).rows.first)
        let parser = PromptParser(input)
        #expect { try parser.parse(row) } throws: { ($0 as? RetortError)?.place == "\(path):2" }
    }

    @Test func everyTableRoundTripsBySeed() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("tables: seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let alphabet = ["a", "\"", ",", "\n", "\r\n", " ", "é", "{", "\\", "\t", "\u{2028}"]
        let parser = JSONParser()
        for _ in 0..<100 {
            let columns = Int.random(in: 1...4, using: &random)
            let table = (0..<Int.random(in: 1...8, using: &random)).map { _ in
                (0..<columns).map { _ in
                    "x"
                        + (0..<Int.random(in: 0...6, using: &random)).map { _ in alphabet.randomElement(using: &random)!
                        }
                        .joined()
                }
            }
            let header = (0..<columns).map { "c\($0)" }
            let text = ([header] + table).map { row in
                row.map { field in
                    let isPlain = !field.utf8.contains { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }
                    return isPlain ? field : "\"" + escaped(field) + "\""
                }.joined(separator: ",")
            }.joined(separator: "\r\n")
            let reading = try read(text, name: "a.csv")
            let parsed = try reading.contents.map { try parser.parse($0).root.members.compactMap(\.value.string) }
            #expect(parsed == table, "seed \(seed)")
        }
    }

    private func escaped(_ field: String) -> String {
        String(field.unicodeScalars.flatMap { $0 == "\"" ? "\"\"" : String($0) })
    }
}
