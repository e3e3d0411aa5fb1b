public import Basics

/// A position in an input from which reading can be resumed.
public struct InputLandmark: Sendable, Hashable {
    /// The number of the row that begins here, from 0.
    public var row: UInt64
    /// Which of the input's files, from 0.
    public var file: UInt32
    /// Bytes from the start of the (decompressed) file.
    public var byteOffset: UInt64
    /// The line that begins here, from 1.
    public var line: UInt64

    public init(row: UInt64, file: UInt32, byteOffset: UInt64, line: UInt64) {
        self.row = row
        self.file = file
        self.byteOffset = byteOffset
        self.line = line
    }

    public static let start = InputLandmark(row: 0, file: 0, byteOffset: 0, line: 1)
}

/// Progress through an input: which rows have outcomes, and where to resume reading.
public struct InputProgress: Sendable, Hashable {
    /// Identity of the input that the row numbers belong to; all zero when none is known.
    public var identity = Hash128(high: 0, low: 0)
    /// Items with an outcome, numbered row × samples + sample.
    public var ledger = RowLedger()
    /// The last landmark at or below the ledger's mark.
    public var landmark = InputLandmark.start

    public init() {}

    func encode(into writer: inout ByteWriter) {
        writer.append(identity.high)
        writer.append(identity.low)
        writer.append(landmark.row)
        writer.append(landmark.file)
        writer.append(landmark.byteOffset)
        writer.append(landmark.line)
        writer.append(ledger.low)
        writer.append(UInt64(ledger.wordsFromLow.count))
        for word in ledger.wordsFromLow { writer.append(word) }
    }

    /// Nil if the bytes end early or are invalid.
    static func decode(_ reader: inout ByteReader) -> InputProgress? {
        guard let high = reader.read(UInt64.self), let low = reader.read(UInt64.self),
            let row = reader.read(upTo: StoreLimits.rowsMax), let file = reader.read(UInt32.self),
            let byteOffset = reader.read(upTo: StoreLimits.sequencesMax),
            let line = reader.read(upTo: StoreLimits.sequencesMax),
            // All rows below the landmark have outcomes.
            let mark = reader.read(upTo: StoreLimits.itemsMax), row <= mark,
            let wordCount = reader.read(upTo: StoreLimits.ledgerReachMax / 64 + 1),
            wordCount <= UInt64(reader.bytes.count / 8)
        else { return nil }
        var words: [UInt64] = []
        words.reserveCapacity(Int(wordCount))
        for _ in 0..<wordCount {
            guard let word = reader.read(UInt64.self) else { return nil }
            words.append(word)
        }
        var progress = InputProgress()
        progress.identity = Hash128(high: high, low: low)
        progress.landmark = InputLandmark(row: row, file: file, byteOffset: byteOffset, line: line)
        progress.ledger = RowLedger(low: mark, words: words)
        return progress
    }
}

/// Remembers landmarks until the ledger's mark has passed them.
struct LandmarkTrail: Sendable {
    private var trail: [InputLandmark] = []

    mutating func note(_ landmark: InputLandmark) {
        if let last = trail.last, last.row >= landmark.row { return }
        trail.append(landmark)
    }

    /// The last landmark whose rows below all have outcomes; earlier ones are forgotten.
    mutating func advance(toRow row: UInt64) -> InputLandmark? {
        let passed = trail.prefix { $0.row <= row }.count
        guard passed > 0 else { return nil }
        let landmark = trail[passed - 1]
        trail.removeFirst(passed - 1)
        return landmark
    }
}
