import Basics
import Glibc
import Gzip
import Testing

@testable import PromptSource

/// A new directory that is removed with its owner.
final class TemporaryDirectory {
    let path: String

    init() throws {
        var template = Array("/tmp/retort-source-XXXXXX".utf8CString)
        path = try #require(mkdtemp(&template).map { String(cString: $0) })
    }

    deinit { _ = system("rm -rf \(path)") }

    /// Writes a file and gives its path.
    @discardableResult
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = try #require(fopen("\(path)/\(name)", "wb"))
        #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
        fclose(file)
        return "\(path)/\(name)"
    }

    @discardableResult
    func write(_ name: String, _ text: String) throws -> String { try write(name, Array(text.utf8)) }

    /// The path of a file relative to the directory.
    func relative(_ path: String) -> String { String(path.dropFirst(self.path.count + 1)) }
}

/// The rows of a reader, and the error at the end, if any.
struct Reading {
    var rows: [Row] = []
    var error: RetortError?
    var landmarks: [Landmark] = []

    /// Each row's JSON, or the reason of a bad row after `!`.
    var contents: [String] {
        rows.map { row in
            switch row.content {
            case .json(let bytes): String(decoding: bytes, as: UTF8.self)
            case .bad(let bad): "!" + bad.reason
            }
        }
    }
}

func read(
    _ input: InputSet, from landmark: Landmark = .start, lineBytesMax: Int = RowReader.lineBytesMax
) -> Reading {
    let reader = RowReader(input, from: landmark, lineBytesMax: lineBytesMax)
    var reading = Reading(landmarks: [reader.landmark])
    do {
        while let row = try reader.next() {
            reading.rows.append(row)
            reading.landmarks.append(reader.landmark)
        }
    } catch {
        reading.error = error
        #expect(throws: error, "an error stays") { try reader.next() }
    }
    return reading
}

/// Reads one file of the given content.
func read(_ bytes: [UInt8], name: String = "rows.jsonl", lineBytesMax: Int = RowReader.lineBytesMax) throws -> Reading {
    let directory = try TemporaryDirectory()
    return read(try InputSet.resolve([directory.write(name, bytes)]), lineBytesMax: lineBytesMax)
}

func read(_ text: String, name: String = "rows.jsonl", lineBytesMax: Int = RowReader.lineBytesMax) throws -> Reading {
    try read(Array(text.utf8), name: name, lineBytesMax: lineBytesMax)
}

func gzipped(_ bytes: [UInt8]) throws -> [UInt8] {
    let output = Locked<[UInt8]>([])
    let writer = GzipWriter { piece in output.withLock { $0.append(contentsOf: piece) } }
    try writer.write(bytes)
    try writer.finish()
    return output.withLock { $0 }
}
