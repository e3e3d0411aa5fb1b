import Basics
import Glibc
import JSONText

/// The members that every line begins with, in this order and without white space, written and read by the store
/// alone. It is from these that an index is rebuilt.
///
///     {"id":ID,"sample":N,"status":"ok","attempts":N,"row":N,"fingerprint":"16 HEX", …
///     {"id":ID,"sample":N,"status":"failed","class":"NAME","attempts":N,"row":N,"fingerprint":"16 HEX", …
///     {"id":ID,"sample":N,"round":N,"status":"round","attempts":N,"row":N,"fingerprint":"16 HEX", …
///     {"id":ID,"sample":N,"verifier":"NAME","status":"verdict","attempts":N,"row":N,"fingerprint":"16 HEX", …
public struct RecordHead: Sendable, Hashable {
    public var key: RecordKey
    /// The name of the failure class; nil except for failures.
    public var failureClass: String?
    public var attempts: UInt32
    public var row: UInt64
    public var fingerprint: UInt64

    public var lane: Lane {
        switch key.part {
        case .outcome: failureClass == nil ? .responses : .failures
        case .round: .rounds
        case .verdict: .verdicts
        }
    }

    /// Appends the whole line of a record, without a line feed.
    static func appendLine(of record: NewRecord, classes: FailureClasses, to line: inout [UInt8]) {
        line.append(contentsOf: #"{"id":"#.utf8)
        JSONString.append(record.key.id, to: &line)
        line.append(contentsOf: #","sample":"#.utf8)
        Decimal.append(UInt64(record.key.sample), to: &line)
        switch record.key.part {
        case .outcome: break
        case .round(let number):
            line.append(contentsOf: #","round":"#.utf8)
            Decimal.append(UInt64(number), to: &line)
        case .verdict(let verifier):
            line.append(contentsOf: #","verifier":"#.utf8)
            JSONString.append(Array(verifier.utf8), to: &line)
        }
        switch record.status {
        case .ok: line.append(contentsOf: #","status":"ok","attempts":"#.utf8)
        case .failed(let index):
            line.append(contentsOf: #","status":"failed","class":""#.utf8)
            line.append(contentsOf: classes.name(index).utf8)
            line.append(contentsOf: #"","attempts":"#.utf8)
        case .round: line.append(contentsOf: #","status":"round","attempts":"#.utf8)
        case .verdict: line.append(contentsOf: #","status":"verdict","attempts":"#.utf8)
        }
        Decimal.append(UInt64(record.attempts), to: &line)
        line.append(contentsOf: #","row":"#.utf8)
        Decimal.append(record.row, to: &line)
        line.append(contentsOf: #","fingerprint":""#.utf8)
        Hexadecimal.append(record.fingerprint, to: &line)
        line.append(contentsOf: #"","#.utf8)
        line.append(contentsOf: record.members)
        line.append(UInt8(ascii: "}"))
    }

    /// Parses the head of a line; nil if the store did not write it.
    public static func parse(_ line: UnsafeRawBufferPointer) -> RecordHead? {
        var scanner = HeadScanner(bytes: line)
        guard scanner.take(#"{"id":"#), let id = scanner.takeString(), scanner.take(#","sample":"#),
            let sample = scanner.takeNumber(), sample <= UInt64(UInt32.max),
            let (part, failureClass) = scanner.takeStatus()
        else { return nil }
        guard scanner.take(#","attempts":"#), let attempts = scanner.takeNumber(), attempts <= UInt64(UInt32.max),
            scanner.take(#","row":"#), let row = scanner.takeNumber(), row <= StoreLimits.rowsMax,
            scanner.take(#","fingerprint":""#),
            let fingerprint = scanner.takeHexadecimal(), scanner.take(#"","#)
        else { return nil }
        return RecordHead(
            key: RecordKey(id: id, sample: UInt32(sample), part: part), failureClass: failureClass,
            attempts: UInt32(attempts),
            row: row, fingerprint: fingerprint)
    }

    /// Where the members after the head begin in a line, for readers that want them unchanged.
    public static func membersOffset(in line: [UInt8]) -> Int? {
        line.withUnsafeBytes { buffer in
            var scanner = HeadScanner(bytes: buffer)
            guard scanner.skip(past: #""fingerprint":""#), scanner.takeHexadecimal() != nil, scanner.take(#"","#) else {
                return nil
            }
            return scanner.position
        }
    }
}

/// Scans the fixed text of a head from left to right.
private struct HeadScanner {
    let bytes: UnsafeRawBufferPointer
    var position = 0

    mutating func take(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard position + count <= bytes.count, memcmp(bytes.baseAddress! + position, text.utf8Start, count) == 0 else {
            return false
        }
        position += count
        return true
    }

    /// A JSON string, unescaped.
    mutating func takeString() -> [UInt8]? {
        guard take("\"") else { return nil }
        let start = position
        var escaped = false
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            if bytes[position] == UInt8(ascii: "\\") {
                escaped = true
                position += 1
            }
            position += 1
        }
        guard position < bytes.count else { return nil }
        let content = Array(bytes[start..<position])
        position += 1
        return escaped ? JSONString.unescape(content[...]) : content
    }

    /// The record's part and status; nil if the two do not match.
    mutating func takeStatus() -> (RecordKey.Part, failureClass: String?)? {
        if take(#","status":"#) {
            if take(#""ok""#) { return (.outcome, nil) }
            guard take(#""failed","class":"#), let name = takeString() else { return nil }
            return (.outcome, String(decoding: name, as: UTF8.self))
        }
        if take(#","round":"#) {
            guard let number = takeNumber(), (1...UInt64(UInt32.max)).contains(number), take(#","status":"round""#)
            else {
                return nil
            }
            return (.round(UInt32(number)), nil)
        }
        guard take(#","verifier":"#), let name = takeString(), (1...StoreLimits.verifierBytesMax).contains(name.count),
            let verifier = String(validating: name, as: UTF8.self), take(#","status":"verdict""#)
        else { return nil }
        return (.verdict(verifier), nil)
    }

    mutating func takeNumber() -> UInt64? {
        var value: UInt64 = 0
        let start = position
        while position < bytes.count, (0x30...0x39).contains(bytes[position]) {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow2) = product.addingReportingOverflow(UInt64(bytes[position] - 0x30))
            if overflow || overflow2 { return nil }
            value = sum
            position += 1
        }
        return position > start ? value : nil
    }

    mutating func takeHexadecimal() -> UInt64? {
        guard position + 16 <= bytes.count else { return nil }
        defer { position += 16 }
        return Hexadecimal.parse(bytes[position..<position + 16])
    }

    /// Skips past the first occurrence of `text` outside of an id: the scan starts after the id.
    mutating func skip(past text: StaticString) -> Bool {
        guard take(#"{"id":"#), takeString() != nil else { return false }
        while position < bytes.count {
            if take(text) { return true }
            position += 1
        }
        return false
    }
}

/// The names of the failure classes, in the order of their numbers.
public struct FailureClasses: Sendable, Hashable {
    public var names: [String]

    /// At most `StoreLimits.failureClassesMax` names of lower-case letters and underscores.
    public init(_ names: [String]) {
        precondition(names.count <= StoreLimits.failureClassesMax, "too many failure classes")
        self.names = names
    }

    public func name(_ index: UInt8) -> String { Int(index) < names.count ? names[Int(index)] : "other" }

    /// The number of a name; unknown names share the last number.
    public func index(_ name: String) -> UInt8 {
        UInt8(names.firstIndex(of: name) ?? StoreLimits.failureClassesMax)
    }
}
