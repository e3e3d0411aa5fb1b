import JSONText
import Testing

@Suite struct JSONTextTests {
    let parser = JSONParser()

    @Test func findsMembersAtEveryDepth() throws {
        let root = try parser.parse(#"{"a": [1, {"b": "x\ny"}, null], "c": -2.5e3, "a2": true}"#).root
        #expect(root.kind == .object)
        let elements = try #require(root["a"]).elements
        #expect(elements.count == 3)
        #expect(elements[0].int == 1)
        #expect(elements[1]["b"]?.string == "x\ny")
        #expect(elements[2].kind == .null)
        #expect(try #require(root["a"]).firstElement?.int == 1)
        #expect(root.firstElement == nil)
        #expect(try JSONParser().parse("[]").root.firstElement == nil)
        #expect(root["c"]?.double == -2500)
        #expect(root["a2"]?.bool == true)
        #expect(root["missing"] == nil)
        #expect(root.members.map { $0.key.string } == ["a", "c", "a2"])
    }

    @Test func theLastOfTwoEqualKeysWins() throws {
        #expect(try parser.parse(#"{"k":1,"\u006b":2}"#).root["k"]?.int == 2)
    }

    @Test func keepsRawBytesOfLoneSurrogates() throws {
        let value = try parser.parse(#"{"p":"a\ud800b"}"#).root["p"]
        #expect(value.map { String(decoding: $0.raw, as: UTF8.self) } == #""a\ud800b""#)
        let bytes = try #require(value?.stringBytes)
        #expect(bytes == [0x61, 0xED, 0xA0, 0x80, 0x62])
        var output: [UInt8] = []
        JSONString.append(bytes, to: &output)
        #expect(String(decoding: output, as: UTF8.self) == #""a\ud800b""#)
    }

    @Test func joinsSurrogatePairs() throws {
        #expect(try parser.parse(#""\ud83d\ude00""#).root.string == "😀")
    }

    @Test(arguments: [
        "", " ", "{", "}", "[1,]", "[1 2]", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{1:2}"#, "01", "1.", "-", "1e",
        "+1", ".5", "nul", "nullx", "truefalse", #""\q""#, #""\u12g4""#, #""\"#, #""abc"#, #""a"b"#, "[1]]", "1 2",
        "\"a\u{1}b\"", "{\"a\":1}x", "NaN", "'a'",
    ])
    func refusesWhatIsNotJSON(text: String) {
        #expect(throws: JSONError.self) { try parser.parse(text) }
    }

    @Test func namesTheFirstByteThatIsNotUTF8() {
        #expect {
            try parser.parse([0x22, 0x61, 0xFF, 0x22])
        } throws: { ($0 as? JSONError)?.offset == 2 }
    }

    @Test func refusesWhatIsTooDeep() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try parser.parse(nested(256))
        #expect(throws: JSONError.self) { try parser.parse(nested(257)) }
    }

    @Test func escapesEverythingThatMustBe() throws {
        let text = "quote\" back\\ line\n tab\t nul\u{0} bell\u{7} é 漢 😀 \u{2028}"
        var output: [UInt8] = []
        JSONString.append(text, to: &output)
        #expect(try parser.parse(output).root.string == text)
    }

    /// Eight bytes are looked at together.
    @Test func everyByteIsEscapedAtEveryPlace() throws {
        for byte in UInt8.min...UInt8.max {
            for place in 0..<18 {
                var text = [UInt8](repeating: UInt8(ascii: " "), count: 18)
                text[place] = byte
                var output: [UInt8] = []
                JSONString.append(text, to: &output)
                let isPlain = (0x20..<0x80).contains(byte) && byte != 0x22 && byte != 0x5C
                #expect((output.count == text.count + 2) == isPlain)
                let read = try parser.parse(output).root.stringBytes
                text.replaceSubrange(place...place, with: byte < 0x80 ? [byte] : [0xEF, 0xBF, 0xBD])
                #expect(read == text)
            }
        }
    }

    @Test func illFormedBytesBecomeReplacementCharacters() throws {
        var output: [UInt8] = []
        JSONString.append([0x61, 0xFF, 0xC3] as [UInt8], to: &output)
        #expect(try parser.parse(output).root.string == "a\u{FFFD}\u{FFFD}")
    }

    @Test func parsesALargeTextAndThenASmallOne() throws {
        let long = #"{"a":""# + String(repeating: "x", count: 20_000_000) + #""}"#
        #expect(try parser.parse(long).root["a"]?.rawStringContent?.count == 20_000_000)
        #expect(try parser.parse("[1]").root.elements.count == 1)
    }
}
