import Basics
import Testing

@testable import PromptSource

@Suite struct GzipInputTests {
    private let text = (0..<30).map { "{\"n\":\($0),\"square\":\($0 * $0)}" }

    @Test func gzipIsRecognisedByItsBytesNotByItsName() throws {
        let plain = text.joined(separator: "\n")
        let compressed = try gzipped(Array(plain.utf8))
        #expect(try read(compressed, name: "rows.jsonl").contents == text)
        #expect(try read(plain, name: "rows.jsonl.gz").contents == text)
    }

    @Test func membersMayMeetInTheMiddleOfALine() throws {
        let bytes = Array(text.joined(separator: "\n").utf8)
        for cut in [1, 100, 333] {
            let reading = try read(gzipped(Array(bytes[..<cut])) + gzipped(Array(bytes[cut...])))
            #expect(reading.contents == text && reading.error == nil)
        }
    }

    @Test func everyCutGivesTheWholeRowsBeforeItAndThenTheError() throws {
        let compressed = try gzipped(Array(text.joined(separator: "\n").utf8))
        let directory = try TemporaryDirectory()
        var most = 0
        for cut in 2..<compressed.count {
            let path = try directory.write("rows.jsonl.gz", Array(compressed[..<cut]))
            let reading = read(try InputSet.resolve([path]))
            #expect(reading.contents == Array(text.prefix(reading.rows.count)), "cut at \(cut)")
            #expect(reading.rows.count < text.count, "the last row's end was not seen, cut at \(cut)")
            let error = try #require(reading.error, "cut at \(cut)")
            #expect(error.code == .badInput && error.place == path && error.remedy != nil)
            #expect(error.cause?.contains("compressed byte \(cut)") == true)
            most = max(most, reading.rows.count)
        }
        #expect(most == text.count - 1)
    }

    @Test func aDamagedFileStopsBeforeTheFilesBehindIt() throws {
        let directory = try TemporaryDirectory()
        var compressed = try gzipped(Array(text.joined(separator: "\n").utf8))
        compressed[compressed.count - 8] ^= 1
        try directory.write("1.jsonl.gz", compressed)
        try directory.write("2.jsonl", "{}")
        let reading = read(try InputSet.resolve([directory.path]))
        #expect(reading.contents == Array(text.dropLast()))
        #expect(reading.error?.code == .badInput)
        #expect(reading.landmarks.last?.file == 0)
    }
}
