import Basics
import Glibc
import Testing

@testable import PromptSource

@Suite struct LandmarkTests {
    /// Files of every kind, with blank lines, marks and rows over several lines.
    private func variedInput(_ directory: TemporaryDirectory) throws -> InputSet {
        try directory.write("1.jsonl", "\u{FEFF}{\"a\":1}\r\n\n{\"a\":2}\n\n")
        try directory.write("2.csv", "\u{FEFF}k,v\n1,\"two\nlines\"\n\n2,x\n3,y,z\n4,w")
        try directory.write("3.jsonl.gz", gzipped(Array((0..<2_000).map { "{\"n\":\($0)}\n" }.joined().utf8)))
        try directory.write("4.csv.gz", gzipped(Array("k\n1\n2\n".utf8)))
        try directory.write("5.txt", "one\n\ntwo\n" + String(repeating: "z", count: 300) + "\nthree")
        return try InputSet.resolve([directory.path])
    }

    @Test func readingGoesOnFromEveryLandmark() throws {
        let directory = try TemporaryDirectory()
        let input = try variedInput(directory)
        let whole = read(input, lineBytesMax: 200)
        #expect(whole.error == nil && whole.rows.count == 2 + 4 + 2_000 + 2 + 4)
        for (index, landmark) in whole.landmarks.enumerated() where index < 20 || index % 97 == 0 || index > 1_995 {
            let rest = read(input, from: landmark, lineBytesMax: 200)
            #expect(rest.rows == Array(whole.rows[index...]), "landmark \(index)")
            #expect(rest.landmarks.last == whole.landmarks.last)
        }
    }

    @Test func aLandmarkIsTheNextRowsPlace() throws {
        let directory = try TemporaryDirectory()
        let whole = read(try variedInput(directory), lineBytesMax: 200)
        for (row, landmark) in zip(whole.rows, whole.landmarks) {
            #expect(landmark.row == row.number)
            if landmark.file == row.file {
                #expect(landmark.line <= row.line && landmark.byteOffset <= row.byteOffset)
            }
        }
    }

    @Test func aPlainFileIsSoughtNotRead() throws {
        // A sparse file of 1 TiB could not be read through.
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/huge.jsonl"
        let file = open(path, O_RDWR | O_CREAT, 0o600)
        let size = 1 << 40
        #expect(pwrite(file, "\n{\"last\":1}\n", 12, off_t(size)) == 12)
        close(file)
        let rest = read(
            try InputSet.resolve([path]),
            from: Landmark(file: 0, byteOffset: UInt64(size) + 1, line: 8, row: 7))
        #expect(rest.contents == [#"{"last":1}"#])
        #expect(rest.rows[0].number == 7 && rest.rows[0].line == 8 && rest.rows[0].byteOffset == UInt64(size) + 1)
    }

    @Test func aLandmarkBeyondTheEndIsAnError() throws {
        let directory = try TemporaryDirectory()
        let plain = try directory.write("a.jsonl", "{}\n")
        let compressed = try directory.write("b.jsonl.gz", gzipped(Array("{}\n".utf8)))
        for path in [plain, compressed, "/dev/null"] {
            let landmark = Landmark(file: 0, byteOffset: 9, line: 2, row: 1)
            let reading = read(try InputSet.resolve([path]), from: landmark)
            #expect(reading.error?.code == .badInput && reading.error?.place == path)
        }
    }

    @Test func theEndIsALandmarkToo() throws {
        let directory = try TemporaryDirectory()
        let input = try InputSet.resolve([directory.write("a.jsonl", "{}\n")])
        #expect(read(input, from: Landmark(file: 0, byteOffset: 3, line: 2, row: 1)).rows.isEmpty)
        #expect(read(input, from: Landmark(file: 1, byteOffset: 0, line: 1, row: 1)).rows.isEmpty)
    }
}
