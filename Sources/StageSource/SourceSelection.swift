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
    /// A name that a condition may put before fields.
    private var stage: String?

    /// The answers, and nothing else.
    public static let answers = SourceSelection(lanes: [.responses])

    public init(lanes: [Lane], classesLeftOut: Set<String> = []) {
        self.lanes = lanes
        self.classesLeftOut = classesLeftOut
    }

    /// The records that fulfil a condition: answers, and failures too where it asks for their class, status or error.
    ///
    /// - Parameter stage: the name of the stage whose store it is, which fields may be written behind: `draft.rejected`.
    public init(_ condition: WhereClause, of stage: String? = nil, classesLeftOut: Set<String>) {
        let isOfFailures = condition.paths.contains { path in
            Self.fieldsOfFailures.contains((path.first == stage ? path.dropFirst().first : path.first) ?? "")
        }
        self.init(lanes: isOfFailures ? [.responses, .failures] : [.responses], classesLeftOut: classesLeftOut)
        self.condition = condition
        self.stage = stage
    }

    private static let fieldsOfFailures: Set<String> = ["class", "status", "error", "rejected"]

    /// What a condition may ask for: members of a record by these names.
    public static let fields = [
        "id", "sample", "status", "rejected", "class", "error", "finish", "response", "reasoning", "value", "model",
        "usage",
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
            let path = path.first == stage ? path.dropFirst() : path[...]
            guard let name = path.first else { return .null }
            if name == "rejected" { return .boolean(record.head.failureClass != nil) }
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
