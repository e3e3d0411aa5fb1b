import Basics

/// Looks for damage where opening a store does not look: in the blocks that the index covers, whose checksums are
/// otherwise read only when a record is asked for.
///
/// It ends after a bounded number of bytes, so that most stores are looked at whole and no command waits for it. Of the
/// rest `retort verify` tells.
enum SpotCheck {
    /// What is known, and what is found besides. What cannot be read is passed over: whoever needs it will say so.
    static func damage(
        _ context: StoreContext, _ manifest: StoreManifest, known: [Damage],
        bytesMax: Int = StoreLimits.spotCheckBytesMax
    ) -> [Damage] {
        var found = known
        var left = bytesMax
        for lane in Lane.allCases {
            for segment in manifest.segments(lane) where left > 0 {
                try? look(at: segment, lane, context, &left, &found)
            }
        }
        return found
    }

    private static func look(
        at segment: StoreManifest.Segment, _ lane: Lane, _ context: StoreContext, _ left: inout Int,
        _ found: inout [Damage]
    ) throws(RetortError) {
        guard try context.files.isRegular(context.layout.segment(lane, segment.number)) else { return }
        let reader = try context.segment(lane, segment.number)
        let size = min(try reader.file.size(), segment.bytes)
        var walk = SegmentWalk(reader, from: 0, size: size, durableBytes: size, checksEveryPayload: true)
        while left > 0 {
            switch try walk.next() {
            case .block(let header): left -= header.memberBytes
            case .damage(let damage):
                left -= damage.range.count
                let isKnown = found.contains {
                    $0.file == nil && $0.lane == lane && $0.segment == segment.number
                        && $0.range.overlaps(damage.range)
                }
                if !isKnown { found.append(damage) }
            case .torn, .end: return
            }
        }
    }
}
