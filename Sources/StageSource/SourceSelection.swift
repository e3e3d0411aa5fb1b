public import Filtering
internal import JSONText
public import SegmentStore

/// Which outcomes of a store are rows for a run over it.
public struct SourceSelection: Sendable, Hashable {
    /// The lanes that are read, in their order.
    public var lanes: [Lane]
    /// Failures of these classes are not rows: they have nothing to send.
    public var classesLeftOut: Set<String>
    /// The condition that records must meet; nil: none.
    public private(set) var condition: WhereClause?
    /// A name that conditions may prefix to fields.
    private var stage: String?
    /// The stores whose records are joined; nil: each record is one row.
    public var join: SourceJoin?
    /// For a stage on its own answers: the generation of the rows, from the second on; their ids end in `~2`.
    public var generation: Int?
    /// Whether verdicts on answers are looked up, and of which verifier; nil: the only one.
    public var wantsVerdicts = false
    public var verifier: String?

    /// Answers only.
    public static let answers = SourceSelection(lanes: [.responses])

    public init(lanes: [Lane], classesLeftOut: Set<String> = []) {
        self.lanes = lanes
        self.classesLeftOut = classesLeftOut
    }

    /// The records that fulfil a condition: answers, and failures too where it asks for their class, status or error.
    ///
    /// - Parameter stage: the name of the stage whose store it is, which fields may be written behind: `draft.rejected`.
    public init(_ condition: WhereClause, of stage: String? = nil, classesLeftOut: Set<String>) {
        let isOfFailures = Self.asksForFailures(condition, of: stage)
        self.init(lanes: isOfFailures ? [.responses, .failures] : [.responses], classesLeftOut: classesLeftOut)
        self.condition = condition
        self.stage = stage
    }

    private static let fieldsOfFailures: Set<String> = ["class", "status", "error", "rejected"]

    /// Whether a condition refers to fields that only failures have.
    ///
    /// - Parameters:
    ///   - name: the source's name before a field.
    ///   - isFirst: whether fields without a name before them are the source's.
    public static func asksForFailures(_ condition: WhereClause, of name: String?, isFirst: Bool = true) -> Bool {
        condition.paths.contains { path in
            if path.count > 1, path.first == name { return fieldsOfFailures.contains(path[1]) }
            return isFirst && fieldsOfFailures.contains(path.first ?? "")
        }
    }

    /// Records that several stores make together.
    public init(_ join: SourceJoin, where condition: WhereClause?, classesLeftOut: Set<String>) {
        self.init(
            lanes: join.driver.takesFailures ? [.responses, .failures] : [.responses], classesLeftOut: classesLeftOut)
        self.join = join
        self.condition = condition
    }

    /// Whether a record that is not a row can become one without being rewritten.
    public var mayChange: Bool { join != nil || wantsVerdicts }

    /// Fields of a verdict on the record.
    public static let fieldsOfVerdicts: Set<String> = ["pass", "score", "feedback", "verdict"]

    /// Whether the condition refers to a verdict.
    public var asksForVerdicts: Bool {
        condition?.paths.contains { path in
            Self.fieldsOfVerdicts.contains((path.count > 1 && path.first == stage ? path[1] : path.first) ?? "")
        } ?? false
    }

    /// Fields that a condition may use, and the record members they mean.
    public static let fields = [
        "id", "sample", "status", "rejected", "class", "error", "finish", "response", "reasoning", "value", "model",
        "usage",
        "attempts", "cost", "latency", "pass", "score", "feedback", "verdict", "metadata",
    ]

    /// The member of a record that a field is.
    private static let members = ["finish": "finish_reason", "cost": "cost_usd", "latency": "latency_ms"]

    /// Whether a record is a row. `line` is the record, or the joined records.
    ///
    /// - Parameter parser: the caller's thread's own.
    func takes(_ line: [UInt8], failureClass: String?, with parser: JSONParser) -> Bool {
        if let failureClass, classesLeftOut.contains(failureClass) { return false }
        guard let condition else { return true }
        guard let root = try? parser.parse(line).root else { return false }
        return condition.holds { path in
            if path.count > 1, let join, join.sources.contains(where: { $0.name == path[0] }) {
                return Self.value(of: root.member(Array(path[0].utf8)), at: path.dropFirst())
            }
            return Self.value(of: root, at: path.count > 1 && path.first == stage ? path.dropFirst() : path[...])
        }
    }

    /// The record's value at a path of names.
    private static func value(of record: JSONValue?, at path: ArraySlice<String>) -> WhereValue {
        guard let record, let name = path.first else { return .null }
        if name == "rejected" { return .boolean(record["class"].map { $0.kind == .string } ?? false) }
        var value = record.member(Array((members[name] ?? name).utf8))
        // These members are texts that contain JSON.
        if textsOfJSON.contains(name), value?.kind == .string, let text = value?.stringBytes {
            value = text.isEmpty ? nil : try? JSONParser().parse(text).root
        }
        return WhereValue(value, at: path.dropFirst())
    }

    private static let textsOfJSON: Set<String> = ["value", "metadata", "verdict"]

    /// Equal texts select the same rows.
    public var text: String {
        lanes.map(\.directoryName).joined(separator: "+") + "-" + classesLeftOut.sorted().joined(separator: ",")
            + (condition.map { " where \($0.text)" } ?? "") + (join.map { " join \($0.text)" } ?? "")
            + (verifier.map { " by \($0)" } ?? "") + (generation.map { " generation \($0)" } ?? "")
    }
}
