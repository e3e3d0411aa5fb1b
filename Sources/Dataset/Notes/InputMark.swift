package import Basics

/// The low two bits of the input identity in a store: the input's relation to the records.
package enum InputMark: Hashable {
    case sole, mixed
    /// With the number of outcomes in the store at that time: if some are lost later, the mark no longer applies.
    case settled(outcomes: UInt64)

    package func mark(_ identity: Hash128) -> Hash128 {
        switch self {
        case .sole: Hash128(high: identity.high, low: identity.low & ~3)
        case .mixed: Hash128(high: identity.high, low: identity.low & ~3 | 1)
        case .settled(let outcomes): Hash128(high: identity.high, low: outcomes << 2 | 2)
        }
    }

    package init(_ stored: Hash128) {
        switch stored.low & 3 {
        case 0: self = .sole
        case 2: self = .settled(outcomes: stored.low >> 2)
        default: self = .mixed
        }
    }
}
