import Foundation
import Testing

@testable import Parquet

/// A file with every column type, for external readers: written to the path in RETORT_PARQUET_SAMPLE.
struct SampleFile {
    static let path = ProcessInfo.processInfo.environment["RETORT_PARQUET_SAMPLE"]

    @Test(.enabled(if: path != nil)) func write() throws {
        var file: [UInt8] = []
        let columns = [
            ParquetColumn("id", .single(.string)), ParquetColumn("n", .single(.integer)),
            ParquetColumn("x", .single(.double)), ParquetColumn("b", .single(.boolean)),
            ParquetColumn("tags", .list(.string)),
            ParquetColumn("messages", .objects([.init("role", .string), .init("content", .string)])),
        ]
        let writer = try ParquetWriter(columns) { file += $0 }
        func text(_ text: String) -> ParquetValue { .string(Array(text.utf8)[...]) }
        for row in 0..<250_000 {
            let tags: ParquetValue = row % 7 == 0 ? .null : .list((0..<row % 4).map { text("t\($0)") })
            let turns: ParquetValue =
                row % 11 == 0
                ? .objects([]) : .objects([[text("user"), text("q\(row)")], [text("assistant"), .null]])
            try writer.append([
                text("r\(row) é"), row % 5 == 0 ? .null : .integer(Int64(row) * 1_000_003 - 7),
                row % 3 == 0 ? .integer(Int64(row)) : .double(Double(row) / 3),
                row % 2 == 0 ? .boolean(row % 4 == 0) : .null,
                tags, turns,
            ])
        }
        try writer.finish()
        try Data(file).write(to: URL(fileURLWithPath: Self.path!))
    }
}
