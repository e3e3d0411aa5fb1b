package import Basics
import Dataset
import JSONText
package import SegmentStore

/// Clients' spending across restarts: a note in the store that names the state it was written for; if that has changed,
/// the records themselves.
package enum ClientBooks {
    package static let note = "client_spending"

    /// The store's state when a note was written.
    private static func state(of store: RecordStore) -> String {
        let counters = store.counters
        let spending = Spending(counters, mark: 0, notes: nil)
        return "\(counters.done)/\(counters.failed)/\(spending.recorded)"
    }

    package static func save(_ spent: [String: Int], in store: RecordStore) throws(RetortError) {
        guard !spent.isEmpty else { return }
        let members = spent.sorted { $0.key < $1.key }.map { JSONTree.Member($0.key, .integer($0.value)) }
        let tree = JSONTree.object([
            JSONTree.Member("state", .text(state(of: store))), JSONTree.Member("spent", .object(members)),
        ])
        try store.note(note, String(decoding: tree.line, as: UTF8.self))
    }

    /// Nanodollars by client. After a kill all records are read. A record with an unknown cost counts at the reserved
    /// amount.
    package static func load(_ store: RecordStore) throws(RetortError) -> [String: Int] {
        if let text = store.manifest.notes?[note], let root = try? JSONParser().parse(text).root,
            root["state"]?.string == state(of: store)
        {
            var spent: [String: Int] = [:]
            for (name, value) in root["spent"]?.members ?? [] {
                if let name = name.string, let value = value.int { spent[name] = max(0, value) }
            }
            return spent
        }
        return try count(store.root)
    }

    private static func count(_ root: String) throws(RetortError) -> [String: Int] {
        let reader = try StoreReader(root, options: StoreAccess.options)
        let parser = JSONParser()
        var spent: [String: Int] = [:]
        for lane in [Lane.responses, .failures, .rounds] {
            try reader.forEach(lane, everyRecord: true) { record throws(RetortError) in
                guard let root = try? parser.parse(record.line).root else { return }
                let view = RecordView(root)
                guard let (name, reserve) = charge(in: view.metadata) else { return }
                // The same formula as in `ClientAccounts` while it runs.
                spent[name] = (spent[name] ?? 0).addingSaturated(max(0, view.cost ?? reserve))
            }
        }
        return spent
    }

    package static func client(in metadata: [UInt8]) -> String? { charge(in: metadata)?.name }

    /// The member of a record's metadata that holds its reserved amount, in nanodollars.
    package static let reserveName = "reserved_nanousd"

    /// The client of a record, and the reserved amount.
    private static func charge(in metadata: [UInt8]) -> (name: String, reserve: Int)? {
        guard let root = try? JSONParser().parse(metadata).root, let name = root["client"]?.string else { return nil }
        return (name, max(0, root.member(reserveName.utf8)?.int ?? 0))
    }
}
