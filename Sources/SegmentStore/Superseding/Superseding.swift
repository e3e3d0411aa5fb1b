/// What is under way while records are taken out of the lanes: files that are complete beside those whose place they
/// are to take. It stands in the manifest from the moment at which nothing can stop it any more.
struct Superseding: Codable, Sendable, Hashable {
    /// The feature that a manifest names meanwhile: code that does not know it must not touch the store.
    static let feature = "superseding"
    /// The end of the name of a file that is to take the place of another.
    static let suffix = ".new"

    /// By lane, the segments that get a new content.
    var rewritten: [String: [UInt32]] = [:]
    /// By lane, the segments of which nothing stays.
    var emptied: [String: [UInt32]] = [:]
    /// By lane, the new segments of what was superseded.
    var archived: [String: [UInt32]] = [:]
}
