/// The work in progress while records are taken out of the lanes: finished files that will replace others. It is in the
/// manifest from the moment when nothing can stop it any more.
struct Superseding: Codable, Sendable, Hashable {
    /// The feature that a manifest names during this work: code that does not support it must not touch the store.
    static let feature = "superseding"
    /// The ending of the name of a file that will replace another.
    static let suffix = ".new"

    /// By lane, the segments that get new content.
    var rewritten: [String: [UInt32]] = [:]
    /// By lane, the segments of which nothing stays.
    var emptied: [String: [UInt32]] = [:]
    /// By lane, the new segments of superseded records.
    var archived: [String: [UInt32]] = [:]
}
