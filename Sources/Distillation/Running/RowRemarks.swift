package import PromptSource

/// Remarks on how rows are read, each made once at the first such row.
package struct RowRemarks {
    private var met: PromptRow.Remarks = []
    private var sent: Set<String> = []
    private var lines: [String] = []

    package mutating func note(_ row: PromptRow) {
        if !row.members.isEmpty { noteMembers(row.members) }
        let new = row.remarks.subtracting(met)
        guard !new.isEmpty else { return }
        met.formUnion(new)
        if new.contains(.answerLeftOut) {
            lines.append(
                "conversations: what follows the last user turn is not sent; the metadata holds the whole conversation")
        }
        if new.contains(.completionLeftOut) { lines.append("completion: not sent; it is in the metadata") }
        if new.contains(.isRecord) {
            lines.append("the rows are records of a store: their prompts are sent; their own metadata is kept")
        }
        if new.contains(.membersLeftOut) {
            lines.append(
                "the store was begun by an earlier version, which sent prompts and messages alone: what rows say beside "
                    + "them (temperature, tools, ...) stays in the metadata; give another --out to send it")
        }
    }

    private mutating func noteMembers(_ members: [PromptRow.Member]) {
        let new = members.map(\.name).filter { !sent.contains($0) }
        guard !new.isEmpty else { return }
        sent.formUnion(new)
        let names = new.joined(separator: ", ")
        lines.append("\(names): sent as the rows say (--metadata-only \(new[0]) keeps it as a label)")
    }

    package mutating func take() -> [String] {
        guard !lines.isEmpty else { return [] }
        defer { lines = [] }
        return lines
    }
}
