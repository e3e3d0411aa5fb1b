public import Basics
internal import JSONText

/// Reads the rows of an input set as one sequence. `next` blocks while the files do: call it on a dedicated thread,
/// never in a task. Not thread-safe.
///
/// Memory does not grow with the input: a buffer and the current row.
public final class RowReader {
    /// The maximum length of a row; a longer one is a bad row.
    public static let lineBytesMax = 64 * 1024 * 1024

    private enum OpenFile {
        case jsonLines(LineReader)
        case text(LineReader)
        case delimited(LineReader, DelimitedReader)
        case array(ArrayReader)
        case made(Matrix)
    }

    private let input: InputSet
    private let lineBytesMax: Int
    private var open: OpenFile?
    private var failure: RetortError?

    /// Where the next row starts: after the last one that `next` returned. After an error: the end of the rows that
    /// were read.
    public private(set) var landmark: Landmark

    /// Starts at `landmark`, which an earlier reader of the unchanged input returned. No file is opened yet.
    public convenience init(_ input: InputSet, from landmark: Landmark = .start) {
        self.init(input, from: landmark, lineBytesMax: RowReader.lineBytesMax)
    }

    init(_ input: InputSet, from landmark: Landmark, lineBytesMax: Int) {
        self.input = input
        self.landmark = landmark
        self.lineBytesMax = lineBytesMax
    }

    /// The next row, or nil after the last row of the last file.
    ///
    /// Rows that cannot be read are returned as `.bad`. An error is final: the rest of the input cannot be read, every
    /// complete row before that position has been returned, and further calls throw the same error. Rows already
    /// returned stay valid, so the caller processes them and then reports the error. Throws `.badInput` for a truncated
    /// or damaged gzip file, an unusable CSV header, an unsupported format, or a landmark beyond the end;
    /// `.inputMissing` and `.io` when the system call fails.
    public func next() throws(RetortError) -> Row? {
        if let failure { throw failure }
        do {
            while landmark.file < input.files.count {
                if open == nil { open = try openFile() }
                if let file = open, let row = try nextRow(of: file) { return row }
                open = nil
                landmark = Landmark(file: landmark.file + 1, byteOffset: 0, line: 1, row: landmark.row)
            }
            return nil
        } catch {
            failure = error
            open = nil
            throw error
        }
    }

    private func openFile() throws(RetortError) -> OpenFile {
        let file = input.files[landmark.file]
        if let matrix = file.matrix { return .made(matrix) }
        let stream = try ByteStream(file)
        let sniff = InputSniff(try stream.peek(InputSniff.headBytes), format: file.format)
        if sniff.isArray {
            let elements = ArrayReader(stream, name: file.displayName, elementBytesMax: lineBytesMax)
            if landmark.byteOffset > 0 { try elements.skip(to: landmark.byteOffset, line: landmark.line) }
            return .array(elements)
        }
        let lines = LineReader(stream, lineBytesMax: lineBytesMax, lineEnd: sniff.lineEnd)
        let opened: OpenFile =
            switch file.format {
            case .jsonLines: .jsonLines(lines)
            case .text: .text(lines)
            case .csv, .tsv:
                .delimited(
                    lines,
                    try DelimitedReader(
                        lines, format: file.format, name: file.displayName, recordBytesMax: lineBytesMax))
            }
        if landmark.byteOffset > 0 { try lines.skip(to: landmark.byteOffset, number: landmark.line) }
        return opened
    }

    private func nextRow(of file: OpenFile) throws(RetortError) -> Row? {
        switch file {
        case .jsonLines(let lines):
            guard let line = try nextLine(of: lines) else { return nil }
            return row(line.isTooLong ? tooLong(line) : .json(Array(line.trimmed)), line.number, line.offset, lines)
        case .text(let lines):
            guard let line = try nextLine(of: lines) else { return nil }
            return row(line.isTooLong ? tooLong(line) : prompt(line.trimmed), line.number, line.offset, lines)
        case .delimited(let lines, let records):
            guard let element = try records.next() else { return nil }
            return row(element.content, element.line, element.offset, lines)
        case .array(let elements):
            guard let element = try elements.next() else { return nil }
            let row = Row(
                number: landmark.row, file: landmark.file, line: element.line, byteOffset: element.offset,
                column: element.column, content: element.content)
            landmark.byteOffset = elements.offset
            landmark.line = elements.line
            landmark.row += 1
            return row
        case .made(let matrix):
            // The offset is the position among all combinations, including those without rows.
            guard let (text, next) = try matrix.row(from: landmark.byteOffset) else { return nil }
            let row = Row(
                number: landmark.row, file: landmark.file, line: landmark.line, byteOffset: landmark.byteOffset,
                content: .json(text))
            landmark.byteOffset = next
            landmark.line += 1
            landmark.row += 1
            return row
        }
    }

    private func nextLine(of lines: LineReader) throws(RetortError) -> LineReader.Line? {
        while let line = try lines.next() {
            if !line.isBlank { return line }
        }
        return nil
    }

    private func row(_ content: Row.Content, _ line: UInt64, _ offset: UInt64, _ lines: LineReader) -> Row {
        let row = Row(number: landmark.row, file: landmark.file, line: line, byteOffset: offset, content: content)
        landmark.byteOffset = lines.offset
        landmark.line = lines.nextNumber
        landmark.row += 1
        return row
    }

    private func tooLong(_ line: LineReader.Line) -> Row.Content { .bad(.tooLong(lineBytesMax, of: line.bytes)) }

    /// A line of text as `{"prompt": ...}`.
    private func prompt(_ line: UnsafeRawBufferPointer) -> Row.Content {
        line.withMemoryRebound(to: UInt8.self) { bytes in
            if let offset = firstInvalidByte(bytes) { return .bad(BadRow("not UTF-8", column: offset + 1, of: line)) }
            var object = Array(#"{"prompt":"#.utf8)
            JSONString.append(bytes, to: &object)
            object.append(UInt8(ascii: "}"))
            return .json(object)
        }
    }
}
