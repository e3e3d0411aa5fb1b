import Basics
import Glibc
import TestSupport
import Testing

@testable import PromptSource

@Suite struct RowReaderTests {
    @Test func rowsCarryTheirPlace() throws {
        let reading = try read("{\"a\":1}\n\n  \t\r\n{\"b\":2}\r\n{\"c\":3}")
        #expect(reading.contents == [#"{"a":1}"#, #"{"b":2}"#, #"{"c":3}"#])
        #expect(reading.rows.map(\.number) == [0, 1, 2])
        #expect(reading.rows.map(\.line) == [1, 4, 5])
        #expect(reading.rows.map(\.byteOffset) == [0, 14, 23])
        #expect(reading.error == nil)
    }

    @Test func filesAreOneSequence() throws {
        let directory = try TemporaryDirectory()
        try directory.write("1.jsonl", "{\"a\":1}\n{\"a\":2}")
        try directory.write("2.jsonl", "")
        try directory.write("3.txt", "hello")
        try directory.write("4.csv.gz", gzipped(Array("q,n\nx,1\n".utf8)))
        let input = try InputSet.resolve([directory.path])
        let reading = read(input)
        #expect(
            reading.contents == [#"{"a":1}"#, #"{"a":2}"#, #"{"prompt":"hello"}"#, #"{"q":"x","n":"1"}"#])
        #expect(reading.rows.map(\.number) == [0, 1, 2, 3])
        #expect(reading.rows.map(\.file) == [0, 0, 2, 3])
        #expect(reading.rows.map(\.line) == [1, 2, 1, 2])
        #expect(input.place(of: reading.rows[3], column: 7) == "\(directory.path)/4.csv.gz:2:7")
    }

    @Test(arguments: ["", "\n", "\n\n\r\n", "   ", "\u{FEFF}", "\u{FEFF}\n"]) func nothingButBlanksIsNoRow(text: String)
        throws
    {
        for name in ["a.jsonl", "a.txt", "a.csv"] {
            let reading = try read(text, name: name)
            #expect(reading.rows.isEmpty && reading.error == nil)
        }
    }

    @Test func aByteOrderMarkIsSkippedAtTheStartOnly() throws {
        let reading = try read("\u{FEFF}{\"a\":1}\n\u{FEFF}{\"b\":2}\n")
        #expect(reading.contents == [#"{"a":1}"#, "\u{FEFF}{\"b\":2}"])
        #expect(reading.rows.map(\.byteOffset) == [3, 11])
    }

    @Test func onlyLineFeedEndsALine() throws {
        let text = "{\"a\":\"1\u{2028}2\u{2029}3\u{85}4\u{B}5\r6\"}"
        #expect(try read(text + "\n" + text).contents == [text, text])
        #expect(try read(text + "\r\r\n").contents == [text + "\r"])
    }

    @Test func aLineOfTwentyMegabytesIsARow() throws {
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: 20_000_000)
        let reading = try read(Array("a\n".utf8) + long + Array("\nb\n".utf8) + long)
        #expect(reading.rows.map(\.content) == [.json([0x61]), .json(long), .json([0x62]), .json(long)])
        #expect(reading.rows.map(\.byteOffset) == [0, 2, 20_000_003, 20_000_005])
    }

    @Test func lineLengthsAroundTheBuffersSizeAreExact() throws {
        let size = LineReader.bufferBytes
        let lengths = [size - 1, size, size + 1, size / 2, size / 2 + 1, 1, 2 * size, 3 * size - 2, 9 * size, 5]
        let lines = lengths.enumerated().map { [UInt8](repeating: 0x61 + UInt8($0.offset), count: $0.element) }
        let reading = try read(Array(lines.joined(separator: [0x0A])))
        #expect(reading.rows.map(\.content) == lines.map { .json($0) })
    }

    @Test func aLineOverTheLimitIsABadRowAndTheRestGoesOn() throws {
        let limit = 1_000
        for excess in [1, 24, 5_000, 3 * LineReader.bufferBytes] {
            for ending in ["\n{}", "\r\n{}", ""] {
                let long = String(repeating: "y", count: limit + excess)
                let reading = try read("{\"a\":1}\n" + long + ending, lineBytesMax: limit)
                #expect(reading.contents.prefix(2) == [#"{"a":1}"#, "!the row is longer than 1000 bytes"])
                #expect(reading.rows[1].line == 2 && reading.rows[1].byteOffset == 8)
                #expect(reading.rows[1].excerpt == Array(long.utf8.prefix(BadRow.excerptBytesMax)))
                if !ending.isEmpty {
                    #expect(reading.contents.count == 3 && reading.contents[2] == "{}")
                    #expect(reading.rows[2].line == 3)
                    #expect(reading.rows[2].byteOffset == UInt64(8 + long.utf8.count + ending.utf8.count - 2))
                }
            }
        }
    }

    @Test func aLineOfExactlyTheLimitIsARow() throws {
        let reading = try read(String(repeating: "y", count: 1_000) + "\n{}", lineBytesMax: 1_000)
        #expect(reading.contents.map(\.utf8.count) == [1_000, 2])
    }

    @Test func binaryRubbishIsRowsAndNeverATrap() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("binary rubbish: seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for name in ["a.jsonl", "a.txt", "a.csv", "a.tsv"] {
            for _ in 0..<50 {
                let count = Int.random(in: 0..<3_000, using: &random)
                let bytes = [0x7B] + (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
                let directory = try TemporaryDirectory()
                let input = try InputSet.resolve([directory.write(name, bytes)])
                let reading = read(input)
                let parser = PromptParser(input)
                for row in reading.rows { _ = try? parser.parse(row) }
                // A CR may end lines if the first line ends in one.
                let most = bytes.split { $0 == 0x0A || $0 == 0x0D }.count
                #expect(reading.rows.count <= most, "seed \(seed)")
                let lines = bytes.contains(0x0A) ? bytes.split(separator: 0x0A).count : most
                if name == "a.txt" {
                    #expect(reading.error == nil && reading.rows.count >= lines - 20, "seed \(seed)")
                }
            }
        }
    }

    @Test func aFIFOIsReadOnce() throws {
        let directory = try TemporaryDirectory()
        let source = try directory.write("source", (0..<50_000).map { "{\"n\":\($0)}\n" }.joined())
        let path = "\(directory.path)/pipe"
        #expect(mkfifo(path, 0o600) == 0)
        #expect(system("cat \(source) > \(path) &") == 0)
        let reading = read(try InputSet.resolve([path]))
        #expect(reading.rows.count == 50_000 && reading.error == nil)
        #expect(reading.contents.last == #"{"n":49999}"#)
    }

    @Test func standardInputIsReadLikeAFile() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("rows", gzipped(Array("{\"a\":1}\n{\"a\":2}\n".utf8)))
        let saved = dup(STDIN_FILENO)
        let file = open(path, O_RDONLY)
        dup2(file, STDIN_FILENO)
        defer {
            dup2(saved, STDIN_FILENO)
            close(saved)
            close(file)
        }
        let input = try InputSet.resolve(["-"])
        let reading = read(input)
        #expect(reading.contents == [#"{"a":1}"#, #"{"a":2}"#])
        #expect(input.place(of: reading.rows[1]) == "standard input:2")
    }

    @Test func theNullDeviceIsEmpty() throws {
        let reading = read(try InputSet.resolve(["/dev/null"]))
        #expect(reading.rows.isEmpty && reading.error == nil)
    }

    @Test func aFileThatVanishesEndsTheSequenceWithAnError() throws {
        let directory = try TemporaryDirectory()
        let first = try directory.write("1.jsonl", "{}\n{}")
        let second = try directory.write("2.jsonl", "{}")
        let input = try InputSet.resolve([first, second])
        #expect(unlink(second) == 0)
        let reading = read(input)
        #expect(reading.rows.count == 2 && reading.error?.code == .inputMissing && reading.error?.place == second)
    }

    @Test func textLinesBecomePrompts() throws {
        let reading = try read(
            Array("say \"hi\"\\\n\u{1F600}\ttab\nbad \u{FF}".utf8.dropLast(2)) + [0xFF], name: "a.txt")
        #expect(reading.contents == [#"{"prompt":"say \"hi\"\\"}"#, "{\"prompt\":\"\u{1F600}\\ttab\"}", "!not UTF-8"])
        guard case .bad(let bad) = reading.rows[2].content else { return }
        #expect(bad.column == 5 && bad.excerpt == Array("bad ".utf8) + [0xFF])
    }
}
