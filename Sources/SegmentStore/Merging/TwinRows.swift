import Basics

/// Rows of different inputs with the same request and no ids of their own, to which two stores have given one generated
/// id: each keeps its record, the later ones under the next free number.
struct TwinRows {
    private let sources: [MergeSource]
    /// The generated id of a record's line without its number; nil for a row's own id.
    private let generatedID: ([UInt8]) -> [UInt8]?
    /// By the hash of a name and sample, the next number that may be free.
    private var next: [Hash128: Int] = [:]
    /// Keys that were assigned here.
    private var given: Set<Hash128> = []
    /// Keys of failures that were replaced by a success.
    private(set) var settled: Set<Hash128> = []
    /// By source and the key's hash: the new ids of rows.
    private var names: [Int: [Hash128: (origin: RecordOrigin, id: [UInt8])]] = [:]
    private var readers: [Int: RecordFetcher] = [:]

    init(_ sources: [MergeSource], generatedID: @escaping ([UInt8]) -> [UInt8]?) {
        self.sources = sources
        self.generatedID = generatedID
    }

    /// The line and hint of a record under a new id; nil if it is dropped: its id is the row's own, or the row's record
    /// is there already.
    mutating func renamed(
        _ line: [UInt8], _ hint: RecordHint, in lane: Lane, from source: Int, _ origin: RecordOrigin
    ) throws(RetortError) -> (line: [UInt8], hint: RecordHint)? {
        guard let name = generatedID(line), let head = line.withUnsafeBytes({ RecordHead.parse($0) }) else {
            return nil
        }
        let place = RecordKey(id: name, sample: head.key.sample).hash
        let mayBeThere = sources.indices.contains { other in
            other != source
                && Lane.allCases.contains { sources[other].origins($0).all.contains { $0.isSame(as: origin) } }
        }
        var number = mayBeThere ? 1 : next[place] ?? 1
        while true {
            let key = RecordKey(id: name + Array("-\(number)".utf8), sample: head.key.sample)
            if !given.contains(key.hash) {
                guard let other = try holder(of: key.hash, mayBeThere ? (origin, head.row) : nil) else {
                    next[place] = number + 1
                    names[source, default: [:]][head.key.hash] = (origin, key.id)
                    return rename(line, hint, head, key)
                }
                if other.isSameRow {
                    names[source, default: [:]][head.key.hash] = (origin, key.id)
                    guard lane == .responses, other.lane == .failures else { return nil }
                    settled.insert(key.hash)
                    return rename(line, hint, head, key)
                }
            }
            number += 1
        }
    }

    /// Whether a row of a source has a new id.
    func hasNames(from source: Int) -> Bool { names[source] != nil }

    /// The line and hint of a round or a verdict under its row's new id.
    func followed(
        _ line: [UInt8], _ hint: RecordHint, from source: Int, _ origin: RecordOrigin
    ) -> (line: [UInt8], hint: RecordHint) {
        guard let names = names[source], let head = line.withUnsafeBytes({ RecordHead.parse($0) }),
            let name = names[RecordKey(id: head.key.id, sample: head.key.sample).hash], name.origin.isSame(as: origin)
        else { return (line, hint) }
        return renamed(line, hint, head, RecordKey(id: name.id, sample: head.key.sample, part: head.key.part))
    }

    private mutating func rename(
        _ line: [UInt8], _ hint: RecordHint, _ head: RecordHead, _ key: RecordKey
    ) -> (line: [UInt8], hint: RecordHint)? {
        given.insert(key.hash)
        return renamed(line, hint, head, key)
    }

    private func renamed(
        _ line: [UInt8], _ hint: RecordHint, _ head: RecordHead, _ key: RecordKey
    ) -> (line: [UInt8], hint: RecordHint) {
        var hint = hint
        hint.hash = key.hash
        // Generated ids need no escapes.
        let rest = line.dropFirst(#"{"id":""#.utf8.count + head.key.id.count)
        return (Array(#"{"id":""#.utf8) + key.id + rest, hint)
    }

    /// The source that has the key, and whether for this very row. Nil if none has it.
    private mutating func holder(
        of hash: Hash128, _ row: (origin: RecordOrigin, number: UInt64)?
    ) throws(RetortError) -> (lane: Lane, isSameRow: Bool)? {
        var found: (lane: Lane, isSameRow: Bool)?
        for index in sources.indices {
            guard let entry = try sources[index].lookup(hash) else { continue }
            let lane = entry.recordStatus.lane
            var isSameRow = false
            if let row, sources[index].origins(lane).origin(at: entry.place).isSame(as: row.origin) {
                let line = try readers[index, default: RecordFetcher()].line(of: entry, sources[index])
                isSameRow = line.withUnsafeBytes { RecordHead.parse($0) }?.row == row.number
            }
            if isSameRow || found == nil { found = (lane, isSameRow) }
            if isSameRow, lane == .responses { break }
        }
        return found
    }
}

/// Reads single records of a source, and caches the last block.
private struct RecordFetcher {
    private let codec = BlockCodec()
    private var block: Block?

    mutating func line(of entry: IndexEntry, _ source: MergeSource) throws(RetortError) -> [UInt8] {
        let lane = entry.recordStatus.lane
        if entry.isPending { return source.journaled[lane]?[entry.hash] ?? [] }
        let known = block?.header
        if known?.lane != lane || known?.segment != entry.segment || known?.offset != Int(entry.offset) {
            let reader = try source.image.context.segment(lane, entry.segment)
            block = try reader.block(at: Int(entry.offset), codec: codec)
        }
        guard let block else { return [] }
        let ranges = block.lineRanges
        return Int(entry.record) < ranges.count ? Array(block.raw[ranges[Int(entry.record)]]) : []
    }
}
