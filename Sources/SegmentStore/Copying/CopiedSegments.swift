import Basics

/// Updates the segments of one lane to the source's state, block by block.
struct CopiedSegments {
    private let lane: Lane
    private let copy: StoreCopy
    private let manifest: StoreManifest
    private(set) var bytes = 0
    private(set) var blocks = 0

    init(_ lane: Lane, _ copy: StoreCopy, _ manifest: StoreManifest) {
        (self.lane, self.copy, self.manifest) = (lane, copy, manifest)
    }

    private var files: any FileSystem { copy.files }

    /// Throws `StoreCopy.divergence` if the target has blocks that the source does not have.
    mutating func run() throws(RetortError) {
        let source = try files.entries(of: copy.from.directory(lane)).compactMap(StoreLayout.segmentNumber)
        let target = try files.entries(of: copy.to.directory(lane)).compactMap(StoreLayout.segmentNumber)
        guard Set(target).isSubset(of: source) else { throw StoreCopy.divergence }
        let directory = copy.to.directory(lane)
        if !source.isEmpty { try files.createDirectory(directory) }
        for number in source {
            // A segment without a block has just been begun; an empty file is not copied.
            try copySegment(number, isThere: target.contains(number), in: directory)
        }
    }

    private mutating func copySegment(
        _ number: UInt32, isThere: Bool, in directory: String
    ) throws(RetortError) {
        let source = try SegmentReader(lane, number, storeID: manifest.storeID, layout: copy.from, files: files)
        let listed = manifest.segments(lane).first { $0.number == number }
        let size = try source.file.size()
        let end = listed?.sealed == true ? min(size, listed?.bytes ?? size) : size
        let target = isThere ? try files.open(copy.to.segment(lane, number), .readWrite) : nil
        let begin = try target.map { file throws(RetortError) in try common(source, file, end) } ?? 0
        var walk = SegmentWalk(source, from: begin, size: end, durableBytes: begin, checksEveryPayload: true)
        let writer = SegmentTarget(copy.to.segment(lane, number), files, target)
        let at = try copyBlocks(source, &walk, to: writer)
        guard at >= listed?.bytes ?? 0 else {
            throw RetortError(
                .damagedData, "the segment is shorter than it was", at: source.file.path,
                remedy: "Run `retort repair` on that store first.")
        }
        try writer.finish(in: directory)
    }

    /// Copies the remaining blocks of the walk; returns the end of the last one.
    private mutating func copyBlocks(
        _ source: SegmentReader, _ walk: inout SegmentWalk, to writer: SegmentTarget
    ) throws(RetortError) -> Int {
        while true {
            switch try walk.next() {
            case .block(let header):
                try writer.write(try source.member(header), at: header.offset)
                bytes += header.memberBytes
                blocks += 1
            case .damage(let damage):
                throw RetortError(
                    .damagedData, damage.reason, at: source.place(damage.range.lowerBound),
                    remedy: "Run `retort repair` on that store first: it sets the bytes aside.")
            case .torn(let at), .end(let at): return at
            }
        }
    }

    /// The end of the common blocks. A partial block after it in the target is cut off.
    private func common(
        _ source: SegmentReader, _ target: any StoreFile, _ end: Int
    ) throws(RetortError) -> Int {
        let size = try target.size()
        var offset = 0
        while let header = try source.header(at: offset), header.end <= min(size, end) {
            guard
                try target.read(at: offset, count: BlockHeader.bytes)
                    == source.file.read(at: offset, count: BlockHeader.bytes)
            else { break }
            offset = header.end
        }
        guard size > offset else { return offset }
        let own = try SegmentReader(lane, source.number, storeID: manifest.storeID, layout: copy.to, files: files)
        if let header = try own.header(at: offset), header.end <= size, try own.isIntact(header) {
            throw StoreCopy.divergence
        }
        try target.truncate(to: offset)
        return offset
    }
}

/// A segment to which blocks are appended. The file is created with the first of them.
private final class SegmentTarget {
    private let path: String
    private let files: any FileSystem
    private var file: (any StoreFile)?

    init(_ path: String, _ files: any FileSystem, _ file: (any StoreFile)?) {
        (self.path, self.files, self.file) = (path, files, file)
    }

    func write(_ member: [UInt8], at offset: Int) throws(RetortError) {
        if file == nil { file = try files.open(path, .createNew) }
        try file?.write(member, at: offset)
    }

    /// Makes the file durable, including what was there before: an earlier copy may have been interrupted.
    func finish(in directory: String) throws(RetortError) {
        guard let file else { return }
        try file.syncData()
        try files.syncDirectory(directory)
    }
}
