package import Basics
import CommandLine
import Dataset
import PromptSource
import SegmentStore

/// What an edited pipeline sends again: the items of each changed stage whose requests differ, and all items of the
/// stages that depend on them.
package struct EditedStages {
    package struct Stage {
        package var name: String
        /// Items that are sent again; for a dependent stage the maximum.
        package var items: Int
        /// The estimate from the cost of the stage's items so far; nil if that is unknown.
        package var dollars: Double?
        /// The stage is unchanged, but its source has changed.
        package var follows: Bool
    }

    package private(set) var stages: [Stage] = []

    /// Examines the stages that have outcomes. Reads the rows of those that changed.
    package init(_ pipeline: Pipeline) throws(RetortError) {
        var changed: Set<String> = []
        for stage in pipeline.stages {
            guard let manifest = try RecordStore.manifest(of: stage.settings.out) else { continue }
            let reader = try StoreReader(stage.settings.out, options: StoreAccess.options)
            let outcomes = Int(clamping: reader.counters.done + reader.counters.failed)
            guard outcomes > 0 else { continue }
            let follows = stage.origins.contains(where: changed.contains)
            let items = follows ? outcomes : try Self.changedItems(stage.settings, manifest)
            guard items > 0 else { continue }
            changed.insert(stage.name)
            let spent = Spending(reader.counters, mark: 0, notes: nil).recorded
            let dollars = spent > 0 ? Money.dollars(spent) / Double(outcomes) * Double(items) : nil
            stages.append(Stage(name: stage.name, items: items, dollars: dollars, follows: follows))
        }
    }

    /// Items of a stage whose request differs from the one answered under their id.
    private static func changedItems(_ settings: RunSettings, _ manifest: StoreManifest) throws(RetortError) -> Int {
        var settings = settings
        settings.onChange = .rerun
        let job = JobDescription(settings).adopting(manifest)
        let input = try RunInput.resolve(settings)
        guard input.isRepeatable, job.keepingSamples(of: manifest).comparesRows(of: input, with: manifest, .rerun)
        else {
            return 0
        }
        return try RunPlan(settings).changed
    }

    package var isEmpty: Bool { stages.isEmpty }

    /// `30 items of review, and up to 60 of what follows (short, best): about $0.12, by what such items have cost`
    package var text: String {
        let edited = stages.filter { !$0.follows }
        var list = edited.map { "\(Human.plural($0.items, "item")) of \($0.name)" }.joined(separator: ", ")
        let following = stages.filter(\.follows)
        if !following.isEmpty {
            let count = Human.count(following.reduce(0) { $0 + $1.items })
            list += ", and up to \(count) of what follows (\(following.map(\.name).joined(separator: ", ")))"
        }
        let known = stages.compactMap(\.dollars)
        guard !known.isEmpty else { return list }
        return "\(list): about \(Human.dollars(known.reduce(0, +))), by what such items have cost"
    }
}
