/// What becomes of items that ask something else than what was answered under their id.
package enum ChangePolicy: String, Sendable, CaseIterable {
    /// Nothing is asked as long as there are any.
    case refuse
    /// The old answers stay.
    case keep
    /// They are asked again, and the old answers are set aside.
    case rerun
}
