import Basics
import Glibc
import Gzip
import TestSupport
import Testing

@testable import PromptSource

/// Damaged inputs of every format give rows or an error, never a trap or an endless loop, and reading from any landmark
/// gives the same rows. `RETORT_FUZZ_MINUTES` runs it longer; `RETORT_FUZZ_SEED` repeats a run.
@Suite struct InputFuzzTests {
    private static let seeds: [(name: String, text: String)] = [
        (
            "a.jsonl",
            #"{"id":"a","prompt":"x\u00e9\ud83d","temperature":0.5,"k":NaN}"# + "\n"
                + #"{"messages":[{"role":"user","content":"y"}]}"# + "\n"
        ),
        (
            "b.jsonl",
            #"{"conversations":[{"from":"human","value":"a"},{"from":"gpt","value":"b"}],"system":"s"}"# + "\r\n"
        ),
        ("c.json", "[\n" + #" {"id":1,"prompt":"a, ]"},"# + "\n" + #" {"prompt":[{"role":"user","content":"\""}]} ]"#),
        ("d.json", #"[{"custom_id":"a","params":{"model":"m"}},{"custom_id":"b","body":{"n":2}}]"#),
        ("e.csv", "id;prompt;temperature\r1;\"a;\r\"\"b\";0.5\r2;c;\r"), ("f.csv", "sep=;\nid;messages\n1;\"[{}]\"\n"),
        ("g.tsv", "id\tprompt\n1\ta\n"), ("h.txt", "one\ntwo\rthree\n"),
    ]
    private static let pieces: [[UInt8]] = [
        "[", "]", "{", "}", "\"", ",", ";", "\n", "\r", "\\", "NaN", "-Infinity", "\u{FEFF}", "1e999999999999999999999",
        "\\ud83d",
        "null", ":", "\"\"", "\"model\":", "\"n\":2,", "[[[[[[[[", "\0",
    ].map { Array($0.utf8) }

    private static func mutated(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            let place = Int.random(in: 0...bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes.insert(contentsOf: pieces.randomElement(using: &random)!, at: place)
            case 1: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 0...9, using: &random)))
            case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
            case 3: bytes.insert(contentsOf: bytes.suffix(from: place).prefix(40), at: place)
            default: if place < bytes.count { bytes[place] = UInt8.random(in: 0...255, using: &random) }
            }
        }
        return bytes
    }

    private func check(_ name: String, _ bytes: [UInt8], seed: UInt64) throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write(name, bytes)
        guard let input = try? InputSet.resolve([path]) else { return }
        let whole = read(input, lineBytesMax: 4096)
        #expect(whole.rows.count <= bytes.count + 1, "seed \(seed)")
        let template = try Template.parse("{{prompt}} {{metadata.x}}")
        for parser in [PromptParser(input), PromptParser(input, template: template, metadataOnly: ["model"])] {
            for row in whole.rows {
                if let prompt = try? parser.parse(row) {
                    #expect(!prompt.metadata.contains(0x0A), "seed \(seed)")
                }
                _ = parser.missingFields(of: row)
            }
        }
        guard let index = whole.landmarks.indices.randomElement(), whole.error == nil else { return }
        #expect(
            read(input, from: whole.landmarks[index], lineBytesMax: 4096).contents == Array(whole.contents[index...]))
    }

    @Test func damagedInputsAreRowsOrAnError() throws {
        let environment = { (name: String) in getenv(name).flatMap { String(cString: $0) } }
        let first = environment("RETORT_FUZZ_SEED").flatMap { UInt64($0) } ?? UInt64.random(in: 0...UInt64.max / 2)
        let minutes = environment("RETORT_FUZZ_MINUTES").flatMap { Double($0) }
        print("input fuzzer: first seed \(first)")
        let end = Instant.now + .seconds((minutes ?? 0) * 60)
        var count: UInt64 = 0
        while minutes == nil ? count < 300 : Instant.now < end {
            let seed = first &+ count
            var random = SeededGenerator(seed: seed)
            let source = Self.seeds.randomElement(using: &random)!
            var (name, bytes) = (source.name, Self.mutated(Array(source.text.utf8), &random))
            if Int.random(in: 0..<4, using: &random) == 0 {
                name += ".gz"
                bytes = try gzipped(bytes)
                if Bool.random(using: &random) { bytes = Self.mutated(bytes, &random) }
            }
            try check(name, bytes, seed: seed)
            count += 1
        }
    }
}
