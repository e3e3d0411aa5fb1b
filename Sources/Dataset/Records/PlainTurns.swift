import Glibc

/// Recognises turns that a record can keep byte for byte, without parsing them: nearly all are of this form.
///
///     turns = "[" turn *("," turn) "]"       turn = `{"role":` string `,"content":` string "}"
///
/// with spaces and tabs between tokens. The text must be valid JSON.
package struct PlainTurns {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var at = 0

    package static func recognises(_ json: ArraySlice<UInt8>) -> Bool {
        json.withUnsafeBufferPointer { buffer in
            var scanner = PlainTurns(bytes: buffer)
            return scanner.takeTurns()
        }
    }

    private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    private mutating func takeTurns() -> Bool {
        guard take(UInt8(ascii: "[")) else { return false }
        repeat {
            guard take(UInt8(ascii: "{")), take(#""role""#), take(UInt8(ascii: ":")), takeString(),
                take(UInt8(ascii: ",")), take(#""content""#), take(UInt8(ascii: ":")), takeString(),
                take(UInt8(ascii: "}"))
            else { return false }
        } while take(UInt8(ascii: ","))
        return take(UInt8(ascii: "]")) && at == bytes.count
    }

    private mutating func skipSpace() {
        while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x09 { at += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard at < bytes.count, bytes[at] == byte else { return false }
        at += 1
        return true
    }

    private mutating func take(_ text: StaticString) -> Bool {
        skipSpace()
        let count = text.utf8CodeUnitCount
        guard at + count <= bytes.count, memcmp(bytes.baseAddress! + at, text.utf8Start, count) == 0 else {
            return false
        }
        at += count
        return true
    }

    /// A string without a surrogate escape: pairs are rare, and the slow path handles them.
    private mutating func takeString() -> Bool {
        guard take(UInt8(ascii: "\"")) else { return false }
        while at < bytes.count {
            switch bytes[at] {
            case 0x22:
                at += 1
                return true
            case 0x5C:
                guard at + 2 < bytes.count else { return false }
                if bytes[at + 1] == UInt8(ascii: "u"), bytes[at + 2] | 0x20 == UInt8(ascii: "d") { return false }
                at += 2
            default: at += 1
            }
        }
        return false
    }
}
