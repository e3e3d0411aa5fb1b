package import ModelAPI
package import SegmentStore

/// What an item's record will need when its answer arrives. A class, since it is passed on many times between a row and
/// its record, and copying references to its texts costs more than one reference.
package final class ItemContext: Sendable {
    package let key: RecordKey
    package let row: UInt64
    package let fingerprint: UInt64
    /// The members of the record that hold the prompt, as `AskedText` makes them.
    package let asked: [UInt8]
    /// The row's other fields, a JSON object.
    package let metadata: [UInt8]
    package let request: ModelRequest
    /// The token prices of its model; nil if unknown.
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
