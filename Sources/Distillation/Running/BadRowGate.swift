package import Basics
package import PromptSource
package import SegmentStore

/// Holds bad rows back until a valid row arrives, or until they are so many that not the whole input can be the
/// mistake.
package struct BadRowGate {
    package struct Held {
        package var records: [NewRecord]
        package var error: RetortError
    }

    private var isOpen: Bool
    private var held: [Held] = []
    private var trial: RowTrial

    /// Whether there are rows that are neither recorded nor refused yet.
    package var isHolding: Bool { !held.isEmpty }

    package init(isOpen: Bool, isTable: Bool = false) {
        self.isOpen = isOpen
        trial = RowTrial(isTable: isTable)
    }

    /// A row can be sent: returns the rows held back.
    package mutating func open() -> [Held] {
        isOpen = true
        guard !held.isEmpty else { return [] }
        defer { held = [] }
        return held
    }

    /// Takes a bad row and returns the rows to record. Throws if no row can ever be sent.
    package mutating func take(
        _ records: [NewRecord], _ error: RetortError, _ row: Row, _ parser: PromptParser
    ) throws(RetortError) -> [Held] {
        if isOpen { return [Held(records: records, error: error)] }
        held.append(Held(records: records, error: error))
        trial.note(row, error, parser)
        return trial.isFull ? try end() : []
    }

    /// The input ends, or enough was seen.
    package mutating func end() throws(RetortError) -> [Held] {
        if isOpen { return [] }
        if let verdict = trial.verdict { throw verdict }
        return open()
    }
}
