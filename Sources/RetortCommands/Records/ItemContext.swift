import ModelAPI
import SegmentStore

/// What an item's record will need when its answer comes.
struct ItemContext: Sendable {
    var key: RecordKey
    var row: UInt64
    var fingerprint: UInt64
    /// The members of the record that say what was asked: `"messages":[...]`, or `"prompt":"...","suffix":"..."`.
    var asked: [UInt8]
    /// The row's other fields, a JSON object.
    var metadata: [UInt8]
    var request: ModelRequest
    /// What its model's tokens cost; nil where that is not known.
    var price: TokenPrice?
}
