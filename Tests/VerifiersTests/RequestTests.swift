import JSONText
import Testing

@testable import Verifiers

struct RequestTests {
    @Test func aRequestIsOneLineOfJSONWhateverItsPartsLookLike() throws {
        let request = VerifierRequest(
            id: Array("a\"\n".utf8), sample: 3, round: 2, row: Array("{\n \"a\": 1\r\n}".utf8),
            messages: Array("[\n]".utf8), response: Array(#""x\ny\ud800""#.utf8), value: Array("[1,\n2]".utf8))
        let line = request.line
        #expect(line.count { $0 == 0x0A } == 1 && line.last == 0x0A)
        let root = try JSONParser().parse(Array(line.dropLast())).root
        #expect(
            root.members.compactMap(\.key.string) == ["id", "sample", "round", "row", "messages", "response", "value"])
        #expect(root["id"]?.string == "a\"\n")
        #expect(root["sample"]?.int == 3 && root["round"]?.int == 2)
        #expect(root["response"].map { Array($0.raw) } == request.response)
    }

    @Test func anOpinionSurvivesItsMembers() throws {
        let opinion = Opinion(pass: false, score: 0.25, feedback: "line\n\"two\"", value: Array(#"{"a":[1]}"#.utf8))
        let line = Array(#"{"id":"x","sample":0,"#.utf8) + opinion.members + [UInt8(ascii: "}")]
        #expect(try WorkerReply(line, with: JSONParser()).opinion == opinion)
    }

    @Test func linesArriveInPiecesOfAnySize() {
        let text = Array("one\ntwo\n\nthree".utf8)
        for size in 1...text.count {
            var buffer = LineBuffer(lineBytesMax: 5)
            var lines: [String] = []
            var at = 0
            while at < text.count {
                let piece = text[at..<min(at + size, text.count)]
                lines += (buffer.append(piece) ?? []).map { String(decoding: $0, as: UTF8.self) }
                at += size
            }
            #expect(lines == ["one", "two", ""])
            #expect(!buffer.isEmpty)
        }
        var buffer = LineBuffer(lineBytesMax: 5)
        #expect(buffer.append(Array("123456".utf8)) == nil)
    }
}
