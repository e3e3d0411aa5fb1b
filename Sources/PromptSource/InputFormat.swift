internal import Basics

/// How a file's bytes become rows. Compression is no matter of format: gzip is recognised by its first bytes.
public enum InputFormat: String, Sendable, CaseIterable {
    /// One JSON object a line.
    case jsonLines = "jsonl"
    /// Comma-separated values with a header (RFC 4180).
    case csv
    /// The same, separated by tabs.
    case tsv
    /// One prompt a line.
    case text = "txt"

    /// The format that a file's name promises, `.gz` aside; nil when it promises nothing.
    public init?(path: String) {
        let name = path.hasSuffix(".gz") ? path.dropLast(3) : path[...]
        guard let dot = name.lastIndex(of: "."), !name[dot...].contains("/") else { return nil }
        switch name[name.index(after: dot)...].lowercased() {
        case "jsonl", "ndjson": self = .jsonLines
        case "csv": self = .csv
        case "tsv", "tab": self = .tsv
        case "txt": self = .text
        default: return nil
        }
    }

    /// The files that are taken from a directory, for messages.
    static let names = "*.jsonl, *.ndjson, *.csv, *.tsv, *.tab or *.txt, each with or without .gz"
}

/// Files that are surely none of the formats, by their first bytes.
enum ForeignFormat {
    private static let signatures: [(bytes: [UInt8], name: String, remedy: String)] = [
        (
            [0x28, 0xB5, 0x2F, 0xFD], "zstd data",
            "Decompress it with zstd -d first, or pipe it: zstdcat FILE | retort run -"
        ),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "xz data", "Decompress it with xz -d first."),
        (Array("BZh".utf8), "bzip2 data", "Decompress it with bzip2 -d first."),
        ([0x50, 0x4B, 0x03, 0x04], "a zip archive", "Unpack it first."),
        (Array("PAR1".utf8) + [0x15], "Parquet", "Convert it to JSONL first, for example with DuckDB or pandas."),
        (Array("ARROW1".utf8) + [0], "Arrow", "Convert it to JSONL first, for example with pandas."),
        ([0xFF, 0xFE], "UTF-16 text", "Convert it with iconv -f UTF-16 -t UTF-8 first."),
        ([0xFE, 0xFF], "UTF-16 text", "Convert it with iconv -f UTF-16 -t UTF-8 first."),
    ]

    /// As many bytes as the longest signature needs.
    static let headBytes = 10

    /// Throws `.badInput` when `head`, the file's first bytes, is the signature of something else.
    static func check(_ head: ArraySlice<UInt8>, path: String) throws(RetortError) {
        for signature in signatures where head.starts(with: signature.bytes) {
            // The letters alone may begin a line of text; behind them stand a digit and the digits of pi.
            if signature.bytes == Array("BZh".utf8),
                !head.dropFirst(4).starts(with: [0x31, 0x41, 0x59, 0x26, 0x53, 0x59])
            {
                continue
            }
            throw RetortError(
                .badInput, "the file is \(signature.name), not JSONL, CSV, TSV or text", at: path,
                remedy: signature.remedy)
        }
    }
}
