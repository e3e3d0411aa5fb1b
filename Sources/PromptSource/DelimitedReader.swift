internal import Basics
internal import JSONText

/// Reads the records of a CSV or TSV file and turns each into a JSON object of strings, named by the header.
/// Blocking; not thread-safe.
final class DelimitedReader {
    /// A row and its first line.
    struct Element {
        var content: Row.Content
        var line: UInt64
        var offset: UInt64
    }

    private let lines: LineReader
    private let recordBytesMax: Int
    private var record: DelimitedRecord
    /// The record's first line, or the start of it.
    private var head: [UInt8] = []
    /// For each column, `"name":` as JSON, ready to insert.
    private var keys: [[UInt8]] = []

    /// Reads the header, which is the first record of `lines`. Throws `.badInput` when the header is unusable; `name`
    /// is the file's name.
    init(_ lines: LineReader, format: InputFormat, name: String, recordBytesMax: Int) throws(RetortError) {
        self.lines = lines
        self.recordBytesMax = recordBytesMax
        record = DelimitedRecord(separator: format == .tsv ? 0x09 : UInt8(ascii: ","))
        guard var first = try firstLine() else { return }
        if format == .csv {
            // Spreadsheets write the separator on a line of its own.
            if first.trimmed.count == 5, first.trimmed.starts(with: Array("sep=".utf8)) {
                record = DelimitedRecord(separator: first.trimmed[4])
                guard let header = try firstLine() else { return }
                first = header
            } else {
                record = DelimitedRecord(separator: InputSniff.separator(ofHeader: first.bytes))
            }
        }
        let (line, bad) = (first.number, try readRecord(from: first) ?? takeHeader())
        guard let bad else { return }
        throw RetortError(
            .badInput, "the header cannot be used", at: "\(name):\(line)", cause: bad.reason,
            remedy: "The first line of a CSV or TSV file names each column once.")
    }

    /// The next record; nil at the end. Throws what `lines` throws.
    func next() throws(RetortError) -> Element? {
        guard let first = try firstLine() else { return nil }
        let (line, offset) = (first.number, first.offset)
        let bad = try readRecord(from: first)
        return Element(content: bad.map { .bad($0) } ?? object(), line: line, offset: offset)
    }

    private func firstLine() throws(RetortError) -> LineReader.Line? {
        while let line = try lines.next() {
            if !line.isBlank { return line }
        }
        return nil
    }

    /// Reads the rest of the record that begins with `first`. Returns the fault, if the record is malformed.
    private func readRecord(from first: LineReader.Line) throws(RetortError) -> BadRow? {
        head.removeAll(keepingCapacity: true)
        head.append(contentsOf: first.bytes.prefix(BadRow.excerptBytesMax))
        record.reset()
        var (line, isTooLong) = (first, first.isTooLong)
        while !line.isTooLong, !record.append(line: line.bytes) {
            if record.bytes.count > recordBytesMax {
                isTooLong = true
                record.reset(isInside: true)
            }
            guard let following = try lines.next() else {
                return BadRow(
                    "a quoted field is not closed before the end of the file; a quote within a field is written twice",
                    of: head)
            }
            line = following
        }
        if isTooLong || line.isTooLong { return .tooLong(recordBytesMax, of: head) }
        guard let column = record.strayColumn else { return nil }
        return BadRow(
            "something follows a closing quote; a quote within a field is written twice", column: column, of: head)
    }

    private func takeHeader() -> BadRow? {
        var seen: Set<[UInt8]> = []
        for index in 0..<record.fieldCount {
            let title = Array(record.bytes[record.range(ofField: index)])
            if firstInvalidByte(title[...]) != nil { return BadRow("it is not UTF-8", of: head) }
            guard seen.insert(title).inserted else {
                return BadRow("the column '\(String(decoding: title, as: UTF8.self))' is named twice", of: head)
            }
            var key: [UInt8] = []
            JSONString.append(title, to: &key)
            key.append(UInt8(ascii: ":"))
            keys.append(key)
        }
        return nil
    }

    private func object() -> Row.Content {
        guard record.fieldCount == keys.count else {
            let count = record.fieldCount
            let found = count == 1 ? "1 field" : "\(count) fields"
            return .bad(
                BadRow(
                    "\(found) where the header has \(keys.count); a field that holds the separator is quoted", of: head)
            )
        }
        var object: [UInt8] = []
        object.reserveCapacity(record.bytes.count + record.bytes.count / 8 + keys.count * 16)
        for (index, key) in keys.enumerated() {
            let field = record.bytes[record.range(ofField: index)]
            if firstInvalidByte(field) != nil {
                return .bad(BadRow("not UTF-8 in field \(index + 1); iconv -t UTF-8 converts the file", of: head))
            }
            object.append(index == 0 ? UInt8(ascii: "{") : UInt8(ascii: ","))
            object += key
            JSONString.append(field, to: &object)
        }
        object.append(UInt8(ascii: "}"))
        return .json(object)
    }
}
