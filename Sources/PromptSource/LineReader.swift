internal import Basics
internal import Glibc

/// Splits an input into lines. Lines end in LF, or only in CR if the reader is configured so; the last line may lack
/// it. Blocking; not thread-safe.
///
/// The buffer grows with a long line, up to the limit, and shrinks after it.
final class LineReader {
    /// A line within the reader's buffer, valid until the next call of `next`.
    struct Line {
        /// The bytes without the LF; a CR before it is kept. Only the start of a line that exceeds the limit.
        var bytes: UnsafeRawBufferPointer
        /// Where the line starts in the decompressed input, after a byte order mark.
        var offset: UInt64
        /// 1-based.
        var number: UInt64
        var isTooLong: Bool

        /// The bytes without the CR of a CRLF.
        var trimmed: UnsafeRawBufferPointer {
            bytes.last == UInt8(ascii: "\r") ? UnsafeRawBufferPointer(rebasing: bytes.dropLast()) : bytes
        }

        /// Whether the line has only spaces, tabs and a CR.
        var isBlank: Bool { bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D } }
    }

    /// Bytes per read.
    static let bufferBytes = 1024 * 1024
    /// A larger buffer is freed after the line that needed it.
    static let bufferBytesKept = 8 * 1024 * 1024

    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    private let stream: ByteStream
    private let lineBytesMax: Int
    private let lineEnd: UInt8
    private var buffer: UnsafeMutableRawBufferPointer
    /// The unread bytes are `start..<end`; none of `start..<scanned` is an LF.
    private var start = 0
    private var scanned = 0
    private var end = 0
    /// The input's offset of the buffer's first byte.
    private var base: UInt64 = 0
    private var number: UInt64 = 1

    /// Where the next line starts.
    var offset: UInt64 { base + UInt64(start) }
    /// The 1-based number of the next line.
    var nextNumber: UInt64 { number }

    init(_ stream: ByteStream, lineBytesMax: Int, lineEnd: UInt8 = 0x0A) {
        self.stream = stream
        self.lineBytesMax = lineBytesMax
        self.lineEnd = lineEnd
        buffer = .allocate(byteCount: LineReader.bufferBytes, alignment: 64)
    }

    deinit { buffer.deallocate() }

    /// The next line, or nil at the end. Throws what the stream throws; a partial line before the error is not
    /// returned.
    func next() throws(RetortError) -> Line? {
        while true {
            if let found = findLineEnd() { return line(upTo: found, behind: found + 1) }
            scanned = end
            if end - start > lineBytesMax { return try tooLongLine() }
            if try fill() { continue }
            return start == end ? nil : line(upTo: end, behind: end)
        }
    }

    /// Skips to `offset`, where line `number` starts. Throws `.badInput` when the input ends before it.
    func skip(to offset: UInt64, number: UInt64) throws(RetortError) {
        let buffered = base + UInt64(end)
        if offset <= buffered {
            start = Int(offset - base)
        } else {
            try stream.skip(from: buffered, to: offset, using: buffer)
            (base, start, end) = (offset, 0, 0)
        }
        scanned = start
        self.number = number
    }

    private func findLineEnd() -> Int? {
        guard scanned < end, let found = memchr(buffer.baseAddress! + scanned, Int32(lineEnd), end - scanned) else {
            return nil
        }
        return UnsafeRawPointer(found) - UnsafeRawPointer(buffer.baseAddress!)
    }

    private func line(upTo lineEnd: Int, behind next: Int) -> Line {
        if base == 0, start == 0, buffer[..<lineEnd].starts(with: LineReader.byteOrderMark) { start = 3 }
        let isTooLong = lineEnd - start > lineBytesMax
        let line = Line(
            bytes: UnsafeRawBufferPointer(rebasing: buffer[start..<lineEnd]), offset: offset, number: number,
            isTooLong: isTooLong)
        number += 1
        start = next
        scanned = next
        return line
    }

    /// Skips the rest of a line that exceeds the limit and keeps only its start.
    private func tooLongLine() throws(RetortError) -> Line {
        let kept = min(end - start, BadRow.excerptBytesMax)
        let lineOffset = offset
        memmove(buffer.baseAddress!, buffer.baseAddress! + start, kept)
        let scratch = UnsafeMutableRawBufferPointer(rebasing: buffer[kept...])
        base += UInt64(end)
        var (next, filled) = (0, 0)
        while true {
            filled = try stream.read(into: scratch)
            if filled == 0 { break }
            if let found = memchr(scratch.baseAddress!, Int32(lineEnd), filled) {
                next = UnsafeRawPointer(found) - UnsafeRawPointer(scratch.baseAddress!) + 1
                break
            }
            base += UInt64(filled)
        }
        base -= UInt64(kept)
        (start, scanned, end) = (kept + next, kept + next, kept + filled)
        defer { number += 1 }
        return Line(
            bytes: UnsafeRawBufferPointer(rebasing: buffer[..<kept]), offset: lineOffset, number: number,
            isTooLong: true)
    }

    /// Reads more input after the unread bytes, which may move. False at the end of the input.
    private func fill() throws(RetortError) -> Bool {
        let unread = end - start
        let capacityMax = lineBytesMax + LineReader.bufferBytes
        if unread * 2 > buffer.count, buffer.count < capacityMax {
            move(to: .allocate(byteCount: min(buffer.count * 2, capacityMax), alignment: 64))
        } else if buffer.count > LineReader.bufferBytesKept, unread * 2 <= LineReader.bufferBytes {
            move(to: .allocate(byteCount: LineReader.bufferBytes, alignment: 64))
        } else if start > 0 {
            memmove(buffer.baseAddress!, buffer.baseAddress! + start, unread)
            rebase()
        }
        let count = try stream.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[end...]))
        end += count
        return count > 0
    }

    private func move(to other: UnsafeMutableRawBufferPointer) {
        other.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[start..<end]))
        buffer.deallocate()
        buffer = other
        rebase()
    }

    private func rebase() {
        base += UInt64(start)
        (start, scanned, end) = (0, scanned - start, end - start)
    }
}
