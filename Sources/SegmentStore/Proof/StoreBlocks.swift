public import Basics

/// A block's position and size.
public struct BlockPlace: Sendable, Hashable {
    public var lane: Lane
    public var segment: UInt32
    /// Offset of its first byte in the segment's file.
    public var offset: Int
    public var bytes: Int
    public var records: Int

    public init(lane: Lane, segment: UInt32, offset: Int, bytes: Int, records: Int) {
        (self.lane, self.segment, self.offset, self.bytes, self.records) = (lane, segment, offset, bytes, records)
    }
}

extension StoreReader {
    /// Passes every block of the store with its compressed bytes to `body`, lane by lane in the order of writing.
    /// Throws `.damagedData` at the first invalid block.
    public func forEachBlock(
        _ body: (BlockPlace, UnsafeRawBufferPointer) throws(RetortError) -> Void
    ) throws(RetortError) {
        for lane in Lane.allCases {
            for (number, end) in try image.segmentEnds(lane) {
                var members = MemberCursor(try context.segment(lane, number), end: end)
                while let (header, member) = try members.next() {
                    let place = BlockPlace(
                        lane: lane, segment: number, offset: header.offset, bytes: header.memberBytes,
                        records: header.records)
                    let result: Result<Void, RetortError> = member.withUnsafeBytes { bytes in
                        do throws(RetortError) { return .success(try body(place, bytes)) } catch {
                            return .failure(error)
                        }
                    }
                    try result.get()
                }
            }
        }
    }

    /// The bytes of a store's file at a position, whatever they are; shorter or empty if the file ends before. Throws
    /// `.badInput` for an impossible position.
    public func bytes(at place: BlockPlace) throws(RetortError) -> [UInt8] {
        guard StoreLayout.isSegment(place.segment), (0...StoreLimits.segmentBytesMax).contains(place.offset),
            (0...StoreLimits.segmentBytesMax).contains(place.bytes)
        else { throw RetortError(.badInput, "no block can be at byte \(place.offset) of segment \(place.segment)") }
        guard let reader = try context.segmentIfThere(place.lane, place.segment) else { return [] }
        return try reader.file.read(at: place.offset, count: place.bytes)
    }

    /// The segments' files, whatever their content.
    public func segmentFiles() throws(RetortError) -> [(lane: Lane, number: UInt32, bytes: Int)] {
        var found: [(lane: Lane, number: UInt32, bytes: Int)] = []
        for lane in Lane.allCases {
            for number in try context.segmentNumbers(lane) {
                found.append((lane, number, try context.files.size(of: context.layout.segment(lane, number)) ?? 0))
            }
        }
        return found
    }

    /// Records in a journal and in no block yet.
    public var recordsOutsideBlocks: Int {
        Lane.allCases.reduce(0) { $0 + image.tails[Int($1.rawValue)].journaled.count }
    }
}
