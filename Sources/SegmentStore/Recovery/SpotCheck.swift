import Basics

/// Looks for damage where opening a store does not look: in blocks covered by the index, whose checksums are otherwise
/// read only when a record is requested.
///
/// It stops after a bounded number of bytes, so that most stores are checked completely and no command has to wait.
/// `retort verify` checks the rest.
enum SpotCheck {
    /// Known damage, and what is found in addition. Unreadable files are skipped: an operation that needs them reports
    /// them.
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
