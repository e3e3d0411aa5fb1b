/// The items with a judged answer in a round, and how many passed.
package struct JudgedRound: Sendable, Hashable {
    /// Maximum rounds distinguished; the last one includes all later ones.
    package static let countMax = 20

    package var judged = 0
    package var passed = 0
}
