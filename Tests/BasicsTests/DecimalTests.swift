import Basics
import Testing

@Suite struct DecimalTests {
    @Test(arguments: [0, 1, 9, 10, 11, 99, 100, 1_763_600_000, UInt64.max - 1, UInt64.max])
    func writesWhatStringWrites(_ value: UInt64) {
        var bytes = Array("x".utf8)
        Decimal.append(value, to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "x\(value)")
    }

    @Test(arguments: [Int.min, -10, -1, 0, 7, Int.max]) func writesSigns(_ value: Int) {
        var bytes: [UInt8] = []
        Decimal.append(value, to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "\(value)")
    }
}
