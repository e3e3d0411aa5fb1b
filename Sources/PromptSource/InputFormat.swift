internal import Basics

/// How a file's bytes become rows. Compression is no matter of format: gzip is recognised by its first bytes.
public enum InputFormat: String, Sendable, CaseIterable {
    /// One JSON object a line; or, where the file begins with `[`, one JSON array of objects.
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
    private struct Signature {
        var bytes: [UInt8]
        var name: String
        var remedy: String
    }

    private static let pandas = "python3 -c 'import pandas, sys; pandas.read_"
    private static let toLines =
        "(sys.argv[1]).to_json(sys.stdout, orient=\"records\", lines=True)' FILE | retort run - ..."

    private static func piped(_ command: String) -> String { "Pipe it in: \(command) | retort run - ..." }

    private static let utf16Remedy = piped("iconv -f UTF-16 -t UTF-8 FILE")

    private static let signatures: [Signature] = [
        Signature(bytes: [0x28, 0xB5, 0x2F, 0xFD], name: "zstd data", remedy: piped("zstd -dc FILE")),
        Signature(bytes: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], name: "xz data", remedy: piped("xz -dc FILE")),
        Signature(bytes: Array("BZh".utf8), name: "bzip2 data", remedy: piped("bzip2 -dc FILE")),
        Signature(bytes: [0x04, 0x22, 0x4D, 0x18], name: "lz4 data", remedy: piped("lz4 -dc FILE")),
        Signature(bytes: [0x50, 0x4B, 0x03, 0x04], name: "a zip archive", remedy: piped("unzip -p FILE")),
        Signature(
            bytes: Array("PAR1".utf8), name: "Parquet", remedy: "Pipe it in: " + pandas + "parquet" + toLines),
        Signature(
            bytes: Array("ARROW1".utf8), name: "Arrow", remedy: "Pipe it in: " + pandas + "feather" + toLines),
        Signature(
            bytes: [0xFF, 0xFF, 0xFF, 0xFF], name: "an Arrow stream",
            remedy: "Pipe it in: python3 -c 'import datasets, sys; datasets.Dataset.from_file(sys.argv[1])"
                + ".to_json(\"/dev/stdout\")' FILE | retort run - ..."),
        Signature(
            bytes: [0xD0, 0xCF, 0x11, 0xE0], name: "an Excel workbook",
            remedy: "Pipe it in: " + pandas + "excel" + toLines),
        Signature(
            bytes: Array("SQLite format 3".utf8) + [0], name: "an SQLite database",
            remedy: piped("sqlite3 -json FILE 'SELECT ...'")),
        Signature(bytes: Array("Obj".utf8) + [1], name: "Avro", remedy: piped("fastavro FILE")),
        Signature(
            bytes: Array("%PDF-".utf8), name: "a PDF document", remedy: "Take its text out first, with pdftotext."),
        Signature(bytes: [0xFF, 0xFE], name: "UTF-16 text", remedy: utf16Remedy),
        Signature(bytes: [0xFE, 0xFF], name: "UTF-16 text", remedy: utf16Remedy),
    ]

    /// As many bytes as the longest signature needs.
    static let headBytes = 16
    /// As many as are waited for where bytes come slowly: fewer than any row has that asks something.
    static let pipedBytes = 8

    /// Throws `.badInput` when `head`, the file's first bytes, is the signature of something else.
    static func check(_ head: ArraySlice<UInt8>, path: String) throws(RetortError) {
        guard var found = signature(of: head) else { return }
        if found.bytes.first == 0x50, path.lowercased().hasSuffix(".xlsx") {
            found.name = "an Excel workbook"
            found.remedy = "Pipe it in: " + pandas + "excel" + toLines
        }
        let isShown = !path.contains("'") && !path.isEmpty && path != "standard input"
        throw RetortError(
            .badInput, "the file is \(found.name), not JSONL, CSV, TSV or text", at: path,
            remedy: isShown ? found.remedy.replacing("FILE", with: "'\(path)'") : found.remedy)
    }

    private static func signature(of head: ArraySlice<UInt8>) -> Signature? {
        for signature in signatures where head.starts(with: signature.bytes) {
            // The letters alone may begin a line of text; behind them are a digit and the digits of pi.
            if signature.bytes == Array("BZh".utf8),
                !head.dropFirst(4).starts(with: [0x31, 0x41, 0x59, 0x26, 0x53, 0x59])
            {
                continue
            }
            // Text may begin with these letters; behind them is a binary length.
            if signature.bytes == Array("PAR1".utf8), head.dropFirst(4).first.map({ $0 >= 0x20 && $0 < 0x7F }) ?? true {
                continue
            }
            return signature
        }
        // Without a mark: every other byte of English text is zero.
        let bytes = Array(head.prefix(8))
        guard bytes.count >= 4, bytes.count % 2 == 0 else { return nil }
        let zeros = bytes.indices.filter { bytes[$0] == 0 }
        guard zeros.count == bytes.count / 2, Set(zeros.map { $0 % 2 }).count == 1 else { return nil }
        let name = zeros[0] == 0 ? "UTF-16BE" : "UTF-16LE"
        return Signature(bytes: [0], name: "UTF-16 text", remedy: piped("iconv -f \(name) -t UTF-8 FILE"))
    }
}
