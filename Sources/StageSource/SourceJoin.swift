/// Joins stores into rows: records with the same id, once each store has an outcome for it.
public struct SourceJoin: Sendable, Hashable {
    public struct Source: Sendable, Hashable {
        /// The name of its record in templates and conditions.
        public var name: String
        public var root: String
        /// Whether failures count; otherwise an id that failed there is not a row.
        public var takesFailures: Bool
        /// Maps items of the driving store to this one's; nil: the rows of both have the same ids.
        public var way: ItemWay?

        public init(_ name: String, _ root: String, takesFailures: Bool = false, way: ItemWay? = nil) {
            (self.name, self.root, self.takesFailures, self.way) = (name, root, takesFailures, way)
        }
    }

    /// The last one is read record by record; in the others the record with the same id is looked up.
    public let sources: [Source]
    /// The source whose members are the row's own as well.
    public let lead: String
    private(set) var judge: (name: String, rule: JudgeRule)?

    /// - Parameter lead: the name of one of the sources.
    public init(_ sources: [Source], lead: String) {
        precondition(sources.contains { $0.name == lead }, "the lead is a source")
        (self.sources, self.lead) = (sources, lead)
    }

    /// Makes a source's statement about the lead a verdict.
    public mutating func judge(by name: String, _ rule: JudgeRule) { judge = (name, rule) }

    var driver: Source { sources[sources.count - 1] }
    var leadPlace: Int { sources.firstIndex { $0.name == lead } ?? 0 }

    /// Equal texts describe equal joins of the same stores.
    var text: String {
        sources.map { "\($0.name)\($0.takesFailures ? "+" : "")" }.joined(separator: ",") + " of \(lead)"
            + (judge.map { " \($0.name) \($0.rule.text)" } ?? "")
    }

    public static func == (a: SourceJoin, b: SourceJoin) -> Bool {
        a.sources == b.sources && a.text == b.text
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(sources)
        hasher.combine(text)
    }
}
