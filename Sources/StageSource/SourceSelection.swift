public import Filtering
internal import JSONText
public import SegmentStore

/// Which outcomes of a store are rows for a run over it.
public struct SourceSelection: Sendable, Hashable {
    /// The lanes that are read, in their order.
    public var lanes: [Lane]
    /// Failures of these classes are no rows: they have nothing to send.
    public var classesLeftOut: Set<String>
    /// What a record must fulfil; nil: nothing.
    public private(set) var condition: WhereClause?

    /// The answers, and nothing else.
    public static let answers = SourceSelection(lanes: [.responses])

    public init(lanes: [Lane], classesLeftOut: Set<String> = []) {
        self.lanes = lanes
        self.classesLeftOut = classesLeftOut
    }

    /// The records that fulfil a condition: answers, and failures too where it asks for their class, status or error.
    public init(_ condition: WhereClause, classesLeftOut: Set<String>) {
        let isOfFailures = condition.paths.contains { Self.fieldsOfFailures.contains($0.first ?? "") }
        self.init(lanes: isOfFailures ? [.responses, .failures] : [.responses], classesLeftOut: classesLeftOut)
        self.condition = condition
    }

    private static let fieldsOfFailures: Set<String> = ["class", "status", "error"]

    /// What a condition may ask for: members of a record by these names.
    public static let fields = [
        "id", "sample", "status", "class", "error", "finish", "response", "reasoning", "value", "model", "usage",
        "attempts", "cost", "latency", "metadata",
    ]

    /// The member of a record that a field is.
    private static let members = ["finish": "finish_reason", "cost": "cost_usd", "latency": "latency_ms"]

    /// - Parameter parser: of the caller's thread.
    func takes(_ record: StoredRecord, with parser: JSONParser) -> Bool {
        if let failureClass = record.head.failureClass, classesLeftOut.contains(failureClass) { return false }
        guard let condition else { return true }
        guard let root = try? parser.parse(record.line).root else { return false }
        return condition.holds { path in
            guard let name = path.first else { return .null }
            var value = root.member(Array((Self.members[name] ?? name).utf8))
            // Values and metadata are texts of JSON.
            if name == "value" || name == "metadata", let text = value?.stringBytes {
                value = text.isEmpty ? nil : try? JSONParser().parse(text).root
            }
            return WhereValue(value, at: path.dropFirst())
        }
    }

    /// Equal texts select the same rows.
    public var text: String {
        lanes.map(\.directoryName).joined(separator: "+") + "-" + classesLeftOut.sorted().joined(separator: ",")
            + (condition.map { " where \($0.text)" } ?? "")
    }
}
