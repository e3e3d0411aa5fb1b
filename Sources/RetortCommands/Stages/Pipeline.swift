import Basics
import CommandLine
import Filtering
import Glibc
import JSONText
import JobFiles
import PromptSource
import SegmentStore
import StageSource

/// A run in stages: each is a store in a directory of its name.
struct Pipeline: Sendable {
    struct Stage: Sendable {
        var name: String
        /// The stage whose records are its rows, of several the one that is read record by record; nil: its input is of
        /// files.
        var from: String?
        /// Whose records make its rows together.
        var sources: StageSources?
        /// The stage that it judges, and how.
        var judges: (stage: String, rule: JudgeRule)?
        /// Of a stage on its own answers, the generation from the second on.
        var generation: Int?
        var settings: RunSettings
    }

    /// The directory of all stages.
    var root: String
    var stages: [Stage]
}

extension PipelineLayout {
    init(_ pipeline: Pipeline) {
        let stages = pipeline.stages.map {
            Stage(
                name: $0.name, from: $0.from, sources: $0.sources, judged: $0.judges?.stage,
                passAt: $0.judges?.rule.passAt, generation: $0.generation,
                condition: $0.settings.rows.selection.condition?.text ?? "")
        }
        self.init(root: pipeline.root, stages: stages)
    }
}
