import CommandLine
package import SegmentStore

extension StoreManifest.Part {
    /// Describes the part. `own` is the number of the shard's rows.
    package func text(_ own: UInt64?) -> String {
        var text = "\(shard.number) of \(shard.count)"
        if let own, let rows {
            text += ": \(Human.count(Int(clamping: own))) of \(Human.count(Int(clamping: rows))) rows"
        }
        if let elsewhere, elsewhere > 0 {
            text += "; \(Human.plural(Int(clamping: elsewhere), "item")) elsewhere"
        }
        return text
    }
}
