import Basics
package import Dataset
import Filtering
import SegmentStore
package import StageSource

/// A run in stages, each with its own store in a directory of its name.
package struct Pipeline: Sendable {
    package struct Stage: Sendable {
        package var name: String
        /// The stage whose records are its rows; of several, the one that is read record by record. Nil: it reads
        /// files.
        package var from: String?
        /// The stores whose records together form its rows.
        package var sources: StageSources?
        /// The stage that it judges, and the rule.
        package var judges: (stage: String, rule: JudgeRule)?
        /// For a stage that reads its own answers: the generation, from 2.
        package var generation: Int?
        package var settings: RunSettings
    }

    /// The directory that contains all stages.
    package var root: String
    package var stages: [Stage]

    package init(root: String, stages: [Stage]) {
        self.root = root
        self.stages = stages
    }
}

extension PipelineLayout {
    package init(_ pipeline: Pipeline) {
        let stages = pipeline.stages.map {
            Stage(
                name: $0.name, from: $0.from, sources: $0.sources, judged: $0.judges?.stage,
                passAt: $0.judges?.rule.passAt, generation: $0.generation,
                condition: $0.settings.rows.selection.condition?.text ?? "")
        }
        self.init(root: pipeline.root, stages: stages)
    }
}
