internal import Glibc

/// Splits one record of delimited text into fields, line by line, as RFC 4180 says: a field that starts with a quote
/// ends at the next single quote and may hold separators, line ends and doubled quotes. A quote inside an unquoted
/// field is data, as most writers intend. A value: no I/O.
struct DelimitedRecord {
    private enum State {
        case fieldStart, unquoted, quoted
        /// After a quote inside a quoted field: either the field's end, or the first quote of a doubled pair.
        case quoteInQuoted
    }

    private static let quote = UInt8(ascii: "\"")

    let separator: UInt8
    /// The fields' contents, concatenated, with quotes removed.
    private(set) var bytes: [UInt8] = []
    /// Where each field ends in `bytes`.
    private(set) var ends: [Int] = []
    /// 1-based byte position in the line of text found after a closing quote. The fields are then unusable.
    private(set) var strayColumn: Int?
    private var state = State.fieldStart

    init(separator: UInt8) { self.separator = separator }

    var fieldCount: Int { ends.count }

    func range(ofField index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

    /// Clears the fields and keeps the storage. The next line begins a record or, if `isInside`, continues the open
    /// quoted field.
    mutating func reset(isInside: Bool = false) {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        strayColumn = nil
        if !isInside { state = .fieldStart }
    }

    /// Takes one line without its LF. True when the record is complete; false when a quoted field continues on the next
    /// line.
    mutating func append(line: UnsafeRawBufferPointer) -> Bool {
        var at = 0
        while at < line.count {
            let byte = line[at]
            let endsLine = byte == 0x0D && at == line.count - 1
            switch state {
            case .quoted:
                at = takeQuoted(line, from: at)
            case .fieldStart where byte == DelimitedRecord.quote:
                state = .quoted
                at += 1
            case .fieldStart, .unquoted:
                at = takeUnquoted(line, from: at)
            case .quoteInQuoted where byte == DelimitedRecord.quote:
                bytes.append(byte)
                state = .quoted
                at += 1
            case .quoteInQuoted:
                if byte == separator {
                    endField()
                } else if !endsLine {
                    if strayColumn == nil { strayColumn = at + 1 }
                    state = .unquoted
                }
                at += 1
            }
        }
        guard state != .quoted else {
            bytes.append(0x0A)
            return false
        }
        ends.append(bytes.count)
        return true
    }

    private mutating func takeQuoted(_ line: UnsafeRawBufferPointer, from start: Int) -> Int {
        let at = DelimitedRecord.find(DelimitedRecord.quote, in: line, from: start)
        bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: line[start..<at]))
        guard at < line.count else { return at }
        state = .quoteInQuoted
        return at + 1
    }

    private mutating func takeUnquoted(_ line: UnsafeRawBufferPointer, from start: Int) -> Int {
        let at = DelimitedRecord.find(separator, in: line, from: start)
        let isLast = at == line.count
        let end = isLast && line[at - 1] == 0x0D ? at - 1 : at
        bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: line[start..<end]))
        state = .unquoted
        guard !isLast else { return at }
        endField()
        return at + 1
    }

    /// The offset of the next `byte`, or the line's end.
    private static func find(_ byte: UInt8, in line: UnsafeRawBufferPointer, from start: Int) -> Int {
        guard let base = line.baseAddress, let found = memchr(base + start, Int32(byte), line.count - start) else {
            return line.count
        }
        return UnsafeRawPointer(found) - base
    }

    private mutating func endField() {
        ends.append(bytes.count)
        state = .fieldStart
    }
}
