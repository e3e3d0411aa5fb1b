/// The parts of one value that were evaluated by the schemas that accepted it, for `unevaluatedProperties` and
/// `unevaluatedItems`. A part is identified by its offset in the text.
struct Evaluated {
    private(set) var parts: Set<Int> = []
    private(set) var hasAllItems = false
    private(set) var hasAllMembers = false

    mutating func insert(_ part: Int) { parts.insert(part) }
    mutating func insertAllItems() { hasAllItems = true }
    mutating func insertAllMembers() { hasAllMembers = true }

    mutating func formUnion(_ other: Evaluated) {
        if parts.isEmpty { parts = other.parts } else { parts.formUnion(other.parts) }
        hasAllItems = hasAllItems || other.hasAllItems
        hasAllMembers = hasAllMembers || other.hasAllMembers
    }
}
