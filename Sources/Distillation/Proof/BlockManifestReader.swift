package import Basics
package import HashTree
import JSONText
import PromptSource
package import SegmentStore

/// Reads a block manifest line by line. Nothing in it is trusted: its root is recomputed.
package final class BlockManifestReader {
    private let path: String
    private let rows: RowReader
    private let parser = JSONParser()
    private var tree = HashTree()
    package private(set) var summary: BlockManifest.Summary?
    /// The store's files named by the lines so far, with their bytes.
    package private(set) var bytesBySegment: [Segment: Int] = [:]

    package struct Segment: Hashable {
        package var lane: Lane
        package var number: UInt32
    }

    package init(_ path: String) throws(RetortError) {
        self.path = path
        rows = RowReader(try InputSet.resolve([path], format: .jsonLines))
    }

    /// The root over the lines read so far.
    package var root: SHA256Digest { tree.root }

    /// The next block; nil after the last one. Throws `.badInput` for a file that is not a manifest or is truncated.
    package func next() throws(RetortError) -> (place: BlockPlace, digest: SHA256Digest)? {
        guard let row = try rows.next() else {
            guard summary != nil else { throw malformed("its last line, which sums up, is missing", row: nil) }
            return nil
        }
        guard summary == nil, case .json(let text) = row.content, let line = try? parser.parse(text).root else {
            throw malformed(summary == nil ? "the line is not JSON" : "a line follows the last one", row: row)
        }
        if line["format"]?.string == BlockManifest.formatName {
            summary = try readSummary(line, row)
            return try next()
        }
        guard let lane = Lane.allCases.first(where: { $0.directoryName == line["lane"]?.string }),
            let segment = line["segment"]?.int.flatMap({ UInt32(exactly: $0) }), let offset = line["offset"]?.int,
            let bytes = line["bytes"]?.int, let records = line["records"]?.int,
            let digest = line["sha256"]?.string.flatMap({ SHA256Digest($0) }), offset >= 0, bytes >= 0
        else { throw malformed("the line describes no block", row: row) }
        tree.append(digest)
        let end = offset.addingSaturated(bytes)
        bytesBySegment[Segment(lane: lane, number: segment), default: 0] =
            max(bytesBySegment[Segment(lane: lane, number: segment)] ?? 0, end)
        return (BlockPlace(lane: lane, segment: segment, offset: offset, bytes: bytes, records: records), digest)
    }

    private func readSummary(_ line: JSONValue, _ row: Row) throws(RetortError) -> BlockManifest.Summary {
        guard let root = line["root"]?.string.flatMap({ SHA256Digest($0) }), let store = line["store"]?.string,
            let blocks = line["blocks"]?.int
        else { throw malformed("its last line has no root", row: row) }
        guard line["version"]?.int == BlockManifest.version else {
            throw malformed("it is of another version; use a retort that knows it", row: row)
        }
        var summary = BlockManifest.Summary(store: store, blocks: blocks, root: root)
        for entry in line["sources"]?.elements.map({ $0 }) ?? [] {
            guard let store = entry["store"]?.string, let root = entry["root"]?.string.flatMap({ SHA256Digest($0) })
            else { continue }
            summary.sources.append(
                BlockManifest.Source(
                    store: store, shard: entry["shard"]?.string ?? "", blocks: entry["blocks"]?.int ?? 0, root: root))
        }
        return summary
    }

    private func malformed(_ cause: String, row: Row?) -> RetortError {
        RetortError(
            .badInput, "not a manifest of blocks", at: row.map { "\(path):\($0.line)" } ?? path, cause: cause,
            remedy: "Name the \(BlockManifest.fileName) that `retort merge` wrote.")
    }
}
