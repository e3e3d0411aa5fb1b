/// The simulator's tokens: four bytes of UTF-8 each, the last one filled up. English averages about that in the
/// vocabularies of current models; what matters is that client and server can both compute it.
enum TokenCount {
    static let bytesPerToken = 4

    static func tokens(ofBytes count: Int) -> Int { (count + bytesPerToken - 1) / bytesPerToken }
}
