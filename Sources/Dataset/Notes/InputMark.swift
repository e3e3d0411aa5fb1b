package import Basics

/// The low two bits of the identity that a store keeps of its input: how the input stood to the records.
package enum InputMark: Hashable {
    case sole, mixed
    /// With the number of outcomes that the store held then: should some be lost, the mark no longer fits.
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
