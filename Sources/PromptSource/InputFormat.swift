internal import Basics

/// How a file's bytes become rows. Compression is separate: gzip is recognised by its first bytes.
public enum InputFormat: String, Sendable, CaseIterable {
    /// One JSON object per line or, if the file begins with `[`, one JSON array of objects.
    case jsonLines = "jsonl"
    /// Comma-separated values with a header (RFC 4180).
    case csv
    /// Tab-separated values with a header.
    case tsv
    /// One prompt per line.
    case text = "txt"

    /// The format that a file's extension indicates, ignoring `.gz`; nil for an unknown extension.
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

    /// The file names accepted from a directory, for messages.
    static let names = "*.jsonl, *.ndjson, *.csv, *.tsv, *.tab or *.txt, each with or without .gz"
}

/// File formats that are certainly not supported, recognised by their first bytes.
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

    /// The length of the longest signature, in bytes.
    static let headBytes = 16
    /// How many bytes to wait for when the input is slow: fewer than any row with a prompt has.
    static let pipedBytes = 8

    /// Throws `.badInput` when `head`, the file's first bytes, is the signature of an unsupported format.
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
            // A line of text may begin with these letters; in a bzip2 file a digit and the digits of pi follow.
            if signature.bytes == Array("BZh".utf8),
                !head.dropFirst(4).starts(with: [0x31, 0x41, 0x59, 0x26, 0x53, 0x59])
            {
                continue
            }
            // Text may begin with these letters; in a Parquet file a binary length follows.
            if signature.bytes == Array("PAR1".utf8), head.dropFirst(4).first.map({ $0 >= 0x20 && $0 < 0x7F }) ?? true {
                continue
            }
            return signature
        }
        // UTF-16 without a byte order mark: every other byte of English text is zero.
        let bytes = Array(head.prefix(8))
        guard bytes.count >= 4, bytes.count % 2 == 0 else { return nil }
        let zeros = bytes.indices.filter { bytes[$0] == 0 }
        guard zeros.count == bytes.count / 2, Set(zeros.map { $0 % 2 }).count == 1 else { return nil }
        let name = zeros[0] == 0 ? "UTF-16BE" : "UTF-16LE"
        return Signature(bytes: [0], name: "UTF-16 text", remedy: piped("iconv -f \(name) -t UTF-8 FILE"))
    }
}
