import Basics
import Foundation
import Testing

@testable import Parquet

/// The bytes that can be checked by hand. The interoperability tests prove that other software reads the files.
struct ParquetWriterTests {
    @Test func thriftIntegersAreZigzagVarints() {
        var thrift = ThriftWriter()
        thrift.i32(1, -1)
        thrift.i64(3, 300)
        thrift.string(4, "ab")
        thrift.end()
        #expect(thrift.bytes == [0x15, 1, 0x26, 0xD8, 0x04, 0x18, 2, 0x61, 0x62, 0])
    }

    @Test func longListsHaveTheirCountApart() {
        var thrift = ThriftWriter()
        thrift.i32s(1, Array(repeating: 0, count: 20))
        #expect(thrift.bytes.prefix(3) == [0x19, 0xF5, 20])
    }

    @Test func aFileBeginsAndEndsWithItsMagic() throws {
        var file: [UInt8] = []
        let writer = try ParquetWriter([ParquetColumn("a", .single(.integer))]) { file += $0 }
        try writer.append([.integer(7)])
        try writer.finish()
        #expect(file.prefix(4) == Array("PAR1".utf8)[...] && file.suffix(4) == Array("PAR1".utf8)[...])
        let length = file.suffix(8).prefix(4).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
        #expect(length > 20 && length < file.count - 12)
    }

    @Test func aGroupEndsBeforeItGrowsTooLarge() throws {
        var largest = 0
        let text = Array((0..<1024).map { _ in UInt8.random(in: 0x20...0x7E) })[...]
        let writer = try ParquetWriter([ParquetColumn("t", .single(.string))]) { largest = max(largest, $0.count) }
        for _ in 0..<(ParquetWriter.groupRowsMax + 10) { try writer.append([.string(text)]) }
        try writer.finish()
        #expect(largest <= ParquetWriter.groupBytesMax + ParquetLeaf.pageBytesMin * 2)
    }

    @Test func whatTheSinkThrowsComesThrough() throws {
        #expect(throws: RetortError.self) {
            try ParquetWriter([]) { (_) throws(RetortError) in throw RetortError(.io, "no") }
        }
    }
}
