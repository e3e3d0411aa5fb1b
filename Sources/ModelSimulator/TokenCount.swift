/// The simulator's tokens: four bytes of UTF-8 each, rounded up. English text averages about that in the vocabularies
/// of current models. Client and server can both compute it.
enum TokenCount {
    static let bytesPerToken = 4

    static func tokens(ofBytes count: Int) -> Int { (count + bytesPerToken - 1) / bytesPerToken }
}
