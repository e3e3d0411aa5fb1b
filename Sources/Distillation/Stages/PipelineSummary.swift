package import Basics
import CommandLine
package import Dataset
import Filtering
import JSONText
import JobFiles
import SegmentStore
import StageSource

/// The results of a pipeline's stages, and what a cascade has saved.
package struct PipelineSummary {
    package struct Stage {
        package var name: String
        package var from: String?
        package var condition: String
        package var done: UInt64
        package var failed: UInt64
        /// Nanodollars.
        package var spent: Int
    }

    /// A stage that receives only the items for which another one was not good enough.
    package struct Cascade {
        package var cheap: String
        package var strong: String
        /// Items of the cheap stage, and those passed on to the strong one.
        package var items: Int
        package var handedOn: Int
        /// The cost of both stages.
        package var dollars: Double
        /// The estimated cost of the strong stage for all items, from its own mean.
        package var alone: Double
    }

    package let root: String
    package private(set) var stages: [Stage] = []
    package private(set) var cascades: [Cascade] = []

    package init(_ layout: PipelineLayout) throws(RetortError) {
        root = layout.root
        for stage in layout.stages where StoreAccess.isStore(layout.path(of: stage.name)) {
            let reader = try StoreReader(layout.path(of: stage.name), options: StoreAccess.options)
            let counters = reader.counters
            stages.append(
                Stage(
                    name: stage.name, from: stage.sources?.lead ?? stage.from, condition: stage.condition,
                    done: counters.done, failed: counters.failed, spent: try Spending(of: reader).recorded))
        }
        for strong in stages where Self.isCascade(strong) {
            guard let cheap = stages.first(where: { $0.name == strong.from }), strong.spent > 0 else { continue }
            let (items, handedOn) = (
                Int(clamping: cheap.done + cheap.failed), Int(clamping: strong.done + strong.failed)
            )
            guard handedOn > 0 else { continue }
            cascades.append(
                Cascade(
                    cheap: cheap.name, strong: strong.name, items: items, handedOn: handedOn,
                    dollars: Money.dollars(cheap.spent.addingSaturated(strong.spent)),
                    alone: Money.dollars(strong.spent) / Double(handedOn) * Double(items)))
        }
    }

    /// Whether a stage receives the items that its source did not do well enough.
    private static func isCascade(_ stage: Stage) -> Bool {
        guard let from = stage.from, !stage.condition.isEmpty else { return false }
        let family = JobStage.family(of: from)
        let fields = SourceSelection.fields + [family]
        guard let condition = try? WhereClause(stage.condition, fields: fields) else { return false }
        if SourceSelection.asksForFailures(condition, of: family) { return true }
        return condition.paths.contains { $0.contains { SourceSelection.fieldsOfVerdicts.contains($0) } }
    }

    package var spent: Int { stages.reduce(0) { $0.addingSaturated($1.spent) } }

    package var lines: [String] {
        var rows = [["stage", "from", "done", "failed", "cost"]]
        for stage in stages {
            let from = (stage.from ?? "-") + (stage.condition.isEmpty ? "" : " when \(stage.condition)")
            let cost = stage.spent > 0 ? Human.dollars(Money.dollars(stage.spent)) : "-"
            rows.append([
                stage.name, from, Human.count(Int(clamping: stage.done)), Human.count(Int(clamping: stage.failed)),
                cost,
            ])
        }
        var lines = StatusComparison.aligned(rows)
        if spent > 0 { lines += ["", "cost      \(Human.dollars(Money.dollars(spent))) in all stages"] }
        for cascade in cascades {
            let share = Human.percent(cascade.handedOn, of: cascade.items)
            lines.append(
                "cascade   \(cascade.cheap) answered, and \(Human.count(cascade.handedOn)) of "
                    + "\(Human.plural(cascade.items, "item")) (\(share)) went on to \(cascade.strong): "
                    + "\(Human.dollars(cascade.dollars)); \(cascade.strong) alone would have cost about "
                    + Human.dollars(cascade.alone))
        }
        return lines
    }

    package var tree: JSONTree {
        .object([
            .init("pipeline", .text(root)), .init("cost_usd", .real(Money.dollars(spent))),
            .init(
                "stages",
                .list(
                    stages.map { stage in
                        .object([
                            .init("name", .text(stage.name)), .init("from", .text(stage.from ?? "")),
                            .init("when", .text(stage.condition)), .init("done", .integer(Int(clamping: stage.done))),
                            .init("failed", .integer(Int(clamping: stage.failed))),
                            .init("cost_usd", .real(Money.dollars(stage.spent))),
                        ])
                    })),
            .init(
                "cascades",
                .list(
                    cascades.map { cascade in
                        .object([
                            .init("cheap", .text(cascade.cheap)), .init("strong", .text(cascade.strong)),
                            .init("items", .integer(cascade.items)), .init("handed_on", .integer(cascade.handedOn)),
                            .init("cost_usd", .real(cascade.dollars)), .init("strong_alone_usd", .real(cascade.alone)),
                        ])
                    })),
        ])
    }
}
