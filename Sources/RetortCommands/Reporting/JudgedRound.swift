/// Items that had an answer judged in a round, and those whose answer passed there.
struct JudgedRound: Sendable, Hashable {
    /// Rounds that are told apart; the last stands for the further ones too.
    static let countMax = 20

    var judged = 0
    var passed = 0
}
