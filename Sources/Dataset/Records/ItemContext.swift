package import ModelAPI
package import SegmentStore

/// What an item's record will need when its answer comes. A class: it is passed on many times between a row and its
/// record, and a copy of its texts' references is dearer than one reference.
package final class ItemContext: Sendable {
    package let key: RecordKey
    package let row: UInt64
    package let fingerprint: UInt64
    /// The members of the record that say what was asked, as `AskedText` makes them.
    package let asked: [UInt8]
    /// The row's other fields, a JSON object.
    package let metadata: [UInt8]
    package let request: ModelRequest
    /// What its model's tokens cost; nil where that is not known.
    package let price: TokenPrice?

    package init(
        key: RecordKey, row: UInt64, fingerprint: UInt64, asked: [UInt8], metadata: [UInt8], request: ModelRequest,
        price: TokenPrice? = nil
    ) {
        self.key = key
        self.row = row
        self.fingerprint = fingerprint
        self.asked = asked
        self.metadata = metadata
        self.request = request
        self.price = price
    }
}
