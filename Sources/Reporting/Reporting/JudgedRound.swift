/// Items that had an answer judged in a round, and those whose answer passed there.
package struct JudgedRound: Sendable, Hashable {
    /// Rounds that are told apart; the last stands for the further ones too.
    package static let countMax = 20

    package var judged = 0
    package var passed = 0
}
