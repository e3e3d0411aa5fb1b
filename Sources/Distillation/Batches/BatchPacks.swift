package import Basics
package import BatchDelivery
import Glibc
import ModelAPI
import SegmentStore

/// Requests being packed: files on disk that no journal names yet, so that nothing of them is left after a kill.
package struct BatchPacks {
    /// A full pack.
    package struct Closed {
        package var serial: Int
        package var path: String
        package var model: String
        package var mark: String
        package var meter: PackMeter
        package var costMax: Int
        package var hash: Hash128
        package var keys: [(hash: Hash128, row: UInt64)]
    }

    /// The properties that all requests of a batch share.
    private struct Kind: Hashable {
        var path: String
        var model: String
    }

    private final class Open {
        let serial: Int
        let mark: String
        let items: FileWriter
        let upload: FileWriter
        var meter: PackMeter
        var costMax = 0
        var keys: [(hash: Hash128, row: UInt64)] = []

        init(serial: Int, items: String, upload: String, _ dialect: any BatchDialect) throws(RetortError) {
            self.serial = serial
            mark = String(Hexadecimal.string(UInt64.random(in: 0...UInt64.max)).suffix(8))
            self.items = try FileWriter(items)
            self.upload = try FileWriter(upload)
            meter = PackMeter(
                dialect.limits, frameBytes: dialect.head.count + dialect.tail.count,
                separatorBytes: dialect.separator.count)
            try self.upload.write(dialect.head)
        }
    }

    private let directory: String
    private let dialect: any BatchDialect
    private var open: [Kind: Open] = [:]
    package private(set) var closed: [Closed] = []
    private var serial = 0

    /// Maximum open packs: rows may name their own models, and a batch has one model.
    private static let openMax = 8

    package init(_ directory: String, _ dialect: any BatchDialect) {
        self.directory = directory
        self.dialect = dialect
    }

    package var isEmpty: Bool { open.isEmpty && closed.isEmpty }
    /// Requests that are packed and not sent.
    package var requests: Int {
        open.values.reduce(0) { $0 + $1.meter.requests } + closed.reduce(0) { $0 + $1.meter.requests }
    }

    private func file(_ serial: Int, _ kind: String) -> String { "\(directory)/packing-\(serial).\(kind)" }

    /// Adds a request to the pack of its kind, and closes full packs.
    package mutating func add(_ item: BatchItem, model: String, key: Hash128, row: UInt64) throws(RetortError) {
        let kind = Kind(path: item.request.path, model: model)
        var pack = try pack(kind)
        var item = item
        func named(_ pack: Open) -> (line: [UInt8], name: String) {
            let name = CustomID.text(
                number: pack.meter.requests, mark: pack.mark, id: item.id, sample: Int(item.sample))
            return (dialect.line(customID: name, item.request), name)
        }
        var (line, name) = named(pack)
        if !pack.meter.fits(bytes: line.count, tokens: item.tokens) {
            try close(kind)
            pack = try self.pack(kind)
            (line, name) = named(pack)
        }
        item.customID = name
        if pack.meter.requests > 0 { try pack.upload.write(dialect.separator) }
        try pack.upload.write(line)
        try pack.items.write(item.line + [0x0A])
        pack.meter.add(bytes: line.count, tokens: item.tokens)
        pack.costMax = pack.costMax.addingSaturated(item.costMax)
        pack.keys.append((key, row))
    }

    private mutating func pack(_ kind: Kind) throws(RetortError) -> Open {
        if let pack = open[kind] { return pack }
        if open.count >= Self.openMax, let fullest = open.max(by: { $0.value.meter.requests < $1.value.meter.requests })
        {
            try close(fullest.key)
        }
        serial += 1
        let pack = try Open(
            serial: serial, items: file(serial, "items"), upload: file(serial, "upload"), dialect)
        open[kind] = pack
        return pack
    }

    private mutating func close(_ kind: Kind) throws(RetortError) {
        guard let pack = open.removeValue(forKey: kind) else { return }
        try pack.upload.write(dialect.tail)
        try pack.upload.finish()
        try pack.items.finish()
        closed.append(
            Closed(
                serial: pack.serial, path: kind.path, model: kind.model, mark: pack.mark, meter: pack.meter,
                costMax: pack.costMax,
                hash: pack.upload.hash, keys: pack.keys))
    }

    package mutating func closeAll() throws(RetortError) {
        for kind in open.keys.sorted(by: { ($0.path, $0.model) < ($1.path, $1.model) }) { try close(kind) }
    }

    /// Renames the files of the oldest closed pack to those of a batch.
    package mutating func take(as number: Int, _ journal: BatchJournal) throws(RetortError) -> Closed {
        let pack = closed[0]
        for (kind, target) in [("items", journal.items(number)), ("upload", journal.upload(number))] {
            let path = file(pack.serial, kind)
            guard rename(path, target) == 0 else { throw .system(errno, "rename", path) }
        }
        try journal.syncFiles()
        closed.removeFirst()
        return pack
    }

    /// Removes packs that were not sent: the next run packs their rows again from the input.
    package mutating func discard() {
        open = [:]
        closed = []
        guard serial > 0 else { return }
        for number in 1...serial { for kind in ["items", "upload"] { unlink(file(number, kind)) } }
    }
}
