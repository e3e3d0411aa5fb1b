import Testing

@testable import Basics

@Suite struct PercentEncodingTests {
    @Test func reservedBytesAreEncodedAndOthersAreNot() {
        let text = PercentEncoding.text(of: "a Z/0%-._~\u{E9}\n".utf8, keeping: PercentEncoding.isUnreserved)
        #expect(text == "a%20Z%2F0%25-._~%C3%A9%0A")
    }

    @Test func everyByteIsReadBack() {
        for byte in UInt8.min...UInt8.max {
            var written: [UInt8] = []
            PercentEncoding.append(byte, to: &written)
            #expect(written.count == 3 && written[0] == UInt8(ascii: "%"))
            #expect(UInt8(String(decoding: written.dropFirst(), as: UTF8.self), radix: 16) == byte)
        }
    }
}
