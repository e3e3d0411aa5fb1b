/// What to do with items whose request differs from the one answered under their id.
package enum ChangePolicy: String, Sendable, CaseIterable {
    /// Nothing is sent as long as there are any.
    case refuse
    /// The old answers stay.
    case keep
    /// They are sent again, and the old answers move to `superseded/`.
    case rerun
}
