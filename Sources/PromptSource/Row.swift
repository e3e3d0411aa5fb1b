/// One row of the input before it is parsed. An unreadable row is a row too, so that each input has its outcome; an
/// empty line is not.
public struct Row: Sendable, Hashable {
    /// What a row holds.
    public enum Content: Sendable, Hashable {
        /// A text that should be one JSON object. Rows of CSV, TSV and text files are given as objects of strings.
        case json([UInt8])
        case bad(BadRow)
    }

    /// 0-based, over all files.
    public var number: UInt64
    /// Index into `InputSet.files`.
    public var file: Int
    /// 1-based number of the line it starts on.
    public var line: UInt64
    /// Where it starts in its file, after decompression.
    public var byteOffset: UInt64
    /// For an element of a JSON array, which may span several lines: the 1-based column where it starts, in bytes. 0
    /// for rows that are lines.
    public var column: Int
    public var content: Content
    /// The id that the reader assigns, which overrides the row's own; nil: the row's own id is used. Only records of a
    /// store have one.
    public var id: [UInt8]?

    public init(
        number: UInt64, file: Int, line: UInt64, byteOffset: UInt64, column: Int = 0, content: Content,
        id: [UInt8]? = nil
    ) {
        self.id = id
        self.number = number
        self.file = file
        self.line = line
        self.byteOffset = byteOffset
        self.column = column
        self.content = content
    }

    /// The row's first bytes, for a message or a failure record; they need not be UTF-8.
    public var excerpt: [UInt8] {
        switch content {
        case .json(let bytes): Array(bytes.prefix(BadRow.excerptBytesMax))
        case .bad(let row): row.excerpt
        }
    }
}

/// Why a row could not be read.
public struct BadRow: Error, Sendable, Hashable {
    /// How much of a bad row is kept.
    public static let excerptBytesMax = 256

    /// A short phrase without a full stop.
    public var reason: String
    /// 1-based, in bytes of the line; nil when no single byte is wrong.
    public var column: Int?
    /// The row's first bytes, unchanged.
    public var excerpt: [UInt8]

    public init(reason: String, column: Int? = nil, excerpt: [UInt8] = []) {
        self.reason = reason
        self.column = column
        self.excerpt = excerpt
    }

    init(_ reason: String, column: Int? = nil, of bytes: some Collection<UInt8>) {
        self.init(reason: reason, column: column, excerpt: Array(bytes.prefix(BadRow.excerptBytesMax)))
    }

    static func tooLong(_ limit: Int, of bytes: some Collection<UInt8>) -> BadRow {
        BadRow("the row is longer than \(limit) bytes", of: bytes)
    }
}

/// A position between two rows, from which reading can start.
public struct Landmark: Sendable, Hashable {
    /// Index into `InputSet.files`; the number of files at the end.
    public var file: Int
    /// Offset of the next line in the decompressed file.
    public var byteOffset: UInt64
    /// 1-based number of the next line.
    public var line: UInt64
    /// The number of the next row.
    public var row: UInt64

    public init(file: Int, byteOffset: UInt64, line: UInt64, row: UInt64) {
        self.file = file
        self.byteOffset = byteOffset
        self.line = line
        self.row = row
    }

    /// Before the first row of the first file.
    public static let start = Landmark(file: 0, byteOffset: 0, line: 1, row: 0)
}

extension InputSet {
    /// `file:line` or `file:line:column` of a row, for messages.
    public func place(of row: Row, column: Int? = nil) -> String {
        if let id = row.id { return "\(files[row.file].displayName), \(String(decoding: id, as: UTF8.self))" }
        let place = "\(files[row.file].displayName):\(row.line)"
        return column.map { "\(place):\($0)" } ?? place
    }

    /// `file:line` or `file:line:column` for a byte of the row's text.
    func place(of row: Row, offset: Int?) -> String {
        guard let offset else { return place(of: row) }
        guard row.column > 0, case .json(let text) = row.content else { return place(of: row, column: offset + 1) }
        let before = text.prefix(offset)
        guard let lineFeed = before.lastIndex(of: 0x0A) else { return place(of: row, column: row.column + offset) }
        let line = row.line + UInt64(before.count { $0 == 0x0A })
        return "\(files[row.file].displayName):\(line):\(offset - lineFeed)"
    }
}
