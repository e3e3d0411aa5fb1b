import Basics
import Glibc
import Gzip
import TestSupport
import Testing

/// Bytes that are partly compressible, like text, and partly not.
func sampleBytes(count: Int, seed: UInt64) -> [UInt8] {
    var random = SeededGenerator(seed: seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 64)
    while bytes.count < count {
        if Bool.random(using: &random) {
            bytes += "the quick brown fox \(Int.random(in: 0..<1000, using: &random)) ".utf8
        } else {
            bytes.append(UInt8.random(in: 0...255, using: &random))
        }
    }
    return Array(bytes.prefix(count))
}

/// One member written by `GzipWriter`.
func gzipped(_ bytes: [UInt8], level: Int = 6) throws -> [UInt8] {
    let output = Locked<[UInt8]>([])
    let writer = GzipWriter(level: level) { piece in output.withLock { $0.append(contentsOf: piece) } }
    try writer.write(bytes)
    try writer.finish()
    return output.withLock { $0 }
}

/// The result of a reader: the bytes, the error after them, and its position.
struct Reading {
    var bytes: [UInt8] = []
    var error: RetortError?
    var compressedOffset: UInt64 = 0
}

/// Reads everything; `chunk` limits what the source returns and `room` what is read at a time.
func gunzipped(_ compressed: [UInt8], chunk: Int = .max, room: Int = 4096) -> Reading {
    var position = 0
    let reader = GzipReader(name: "sample.gz") { buffer in
        let count = min(chunk, buffer.count, compressed.count - position)
        buffer.copyBytes(from: compressed[position..<position + count])
        position += count
        return count
    }
    var reading = Reading()
    let output = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 1)
    defer { output.deallocate() }
    do {
        while true {
            let count = try reader.read(into: output)
            if count == 0 { break }
            reading.bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: output[..<count]))
        }
    } catch {
        reading.error = error
    }
    reading.compressedOffset = reader.compressedOffset
    #expect(reader.decompressedOffset == UInt64(reading.bytes.count))
    return reading
}

/// Runs a shell command in a new directory that contains `input`; returns the bytes of the file `output` there.
func shell(_ command: String, input: [UInt8]) throws -> [UInt8] {
    var template = Array("/tmp/retort-gzip-XXXXXX".utf8CString)
    let directory = try #require(mkdtemp(&template).map { String(cString: $0) })
    defer { _ = system("rm -r \(directory)") }
    try writeFile("\(directory)/input", input)
    let status = system("cd \(directory) && { \(command); }")
    try #require(status == 0, "\(command)")
    return try readFile("\(directory)/output")
}

private func writeFile(_ path: String, _ bytes: [UInt8]) throws {
    let file = try #require(fopen(path, "wb"))
    #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    fclose(file)
}

private func readFile(_ path: String) throws -> [UInt8] {
    let file = try #require(fopen(path, "rb"))
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65536)
    while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[..<count] }
    return bytes
}
