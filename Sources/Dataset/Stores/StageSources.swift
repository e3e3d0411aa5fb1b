package import Filtering
package import JSONText
import ModelAPI
package import StageSource

/// The stages whose records are joined by id into rows.
package struct StageSources: Sendable, Hashable {
    /// In the order of the job; the last one is read record by record.
    package var names: [String]
    /// The stage whose fields are the row's own.
    package var lead: String
    /// The stage whose answers are verdicts on the lead's; its failures count as records.
    package var judge: String?
    package var passAt: Double?

    package var driver: String { names[names.count - 1] }

    package init(_ names: [String], lead: String, judge: String? = nil, passAt: Double? = nil) {
        (self.names, self.lead, self.judge, self.passAt) = (names, lead, judge, passAt)
    }

    /// The rows that they make.
    ///
    /// - Parameter stages: the stages of the pipeline so far.
    package func selection(where condition: WhereClause?, in root: String, of stages: [StageOrigin]) -> SourceSelection
    {
        let lines = names.map { StageOrigin.lineage(of: $0, among: stages, in: root) }
        let sources = zip(names, lines).map { name, line in
            let isAsked = condition.map { condition in
                SourceSelection.asksForFailures(condition, of: name, isFirst: name == lead)
            }
            return SourceJoin.Source(
                name, "\(root)/\(name)", takesFailures: isAsked ?? false || name == judge && judge != nil,
                way: name == driver ? nil : ItemWay(from: lines[lines.count - 1], to: line))
        }
        var join = SourceJoin(sources, lead: lead)
        if let judge { join.judge(by: judge, JudgeRule(passAt: passAt)) }
        return SourceSelection(join, where: condition, classesLeftOut: [FailureClass.badInput.rawValue])
    }

    // MARK: In the pipeline's file

    package var json: [UInt8] {
        var list = JSONList()
        for name in names { list.append(Array("\"\(name)\"".utf8)[...]) }
        var object = JSONLine()
        object.member("stages", list.finished)
        object.text("lead", lead)
        if let judge { object.text("judge", judge) }
        if let passAt { object.member("pass_at", "\(passAt)") }
        return object.finished
    }

    /// Nil if the value does not name known stages.
    package init?(_ value: JSONValue, among stages: [String]) {
        names = (value["stages"]?.elements ?? []).compactMap(\.string)
        lead = value["lead"]?.string ?? ""
        judge = value["judge"]?.string
        passAt = value["pass_at"]?.double
        guard names.count > 1, names.allSatisfy(stages.contains), names.contains(lead),
            judge.map(names.contains) ?? true
        else { return nil }
    }
}

/// Where a stage's rows come from.
package struct StageOrigin: Sendable, Hashable {
    package var name: String
    /// The stage that is read record by record; nil: its input is files.
    package var from: String?
    /// The generation, which is part of its ids; nil: none.
    package var generation: Int?

    package init(name: String, from: String? = nil, generation: Int? = nil) {
        self.name = name
        self.from = from
        self.generation = generation
    }

    /// A stage, the stage that its rows come from, and so on.
    package static func lineage(of name: String, among stages: [StageOrigin], in root: String) -> [ItemWay.Step] {
        var line: [ItemWay.Step] = []
        var next: String? = name
        // A stage comes from an earlier one, so the chain ends.
        while let stage = stages.first(where: { $0.name == next }), line.count < stages.count {
            line.append(ItemWay.Step("\(root)/\(stage.name)", generation: stage.generation))
            next = stage.from
        }
        return line
    }
}
