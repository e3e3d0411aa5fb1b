package import Basics
package import CommandLine
package import Dataset
import JSONText
package import JobFiles
import StageSource

/// Builds a pipeline from a job's stages.
extension Pipeline {
    /// Adds a stage. Throws `.configuration` for a judge whose answers contain no verdict, and for verdicts that may
    /// come from several judges.
    package mutating func append(_ stage: JobStage, _ given: RunSettings, _ command: ParsedCommand) throws(RetortError)
    {
        var added = Stage(name: stage.name, from: stage.from, settings: given)
        added.generation = stage.generation
        added.settings.out = "\(root)/\(stage.name)"
        if let judged = stage.verdictOf {
            try Self.checkJudge(stage, given, command)
            added.judges = (judged, JudgeRule(passAt: stage.passAt))
        }
        if let from = stage.from {
            // The format of input files does not apply to a stage's records.
            added.settings.format = nil
            var rows = RowRange()
            rows.selection = given.rows.selection
            rows.selection.generation = stage.generation
            if stage.generation != nil { added.settings.samples = 1 }
            if let sources = try sources(stage, from: from, given) {
                rows.selection = sources.selection(
                    where: given.rows.selection.condition, in: root, of: stages.map(\.origin))
                added.sources = sources
                added.from = sources.driver
                added.settings.inputs = ["\(root)/\(sources.driver)"]
            }
            added.settings.rows = rows
        }
        stages.append(added)
    }

    /// The stages whose records together form a row of the stage; nil if it has one source. A stage that uses verdicts
    /// waits for the judge.
    private func sources(_ stage: JobStage, from: String, _ settings: RunSettings) throws(RetortError) -> StageSources?
    {
        let lead = stage.lead ?? from
        var names = stage.join
        var judge: Stage?
        if settings.rows.selection.wantsVerdicts {
            let judges = stages.filter { $0.judges?.stage == lead }
            let wanted = settings.rows.selection.verifier
            judge = wanted == nil ? judges.first : judges.first { $0.name == wanted }
            if wanted == nil, judges.count > 1 {
                throw RetortError(
                    .configuration, "several stages judge \(lead)", at: stage.place,
                    remedy: "Say whose verdicts are meant: `verdict-by:` with one of "
                        + "\(judges.map(\.name).joined(separator: ", ")).")
            }
            if let judge { names += [lead, judge.name] }
        }
        guard !names.isEmpty else { return nil }
        return StageSources(
            stages.map(\.name).filter(names.contains), lead: lead, judge: judge?.name,
            passAt: judge?.judges?.rule.passAt)
    }

    private static func checkJudge(
        _ stage: JobStage, _ settings: RunSettings, _ command: ParsedCommand
    ) throws(RetortError) {
        guard settings.check != nil || command.isGiven("json") else {
            throw RetortError(
                .configuration, "\(stage.name) is a judge, but no schema says what its answers hold", at: stage.place,
                remedy: "Give it a schema with a score: `fields: 'score:number, reason:string'`.")
        }
        guard settings.samples == 1 else {
            throw RetortError(
                .configuration, "\(stage.name) is a judge, and an answer has one verdict of each judge",
                at: stage.place, remedy: "Leave samples out; let several stages judge.")
        }
        if stage.passAt == nil, !saysPass(settings.check) {
            throw RetortError(
                .configuration, "\(stage.name) does not say which score passes", at: stage.place,
                remedy: "Give it `pass-at:` with a number, or a field `pass:boolean`.")
        }
    }

    /// Whether the schema of a judge's answers has a property `pass`.
    private static func saysPass(_ check: AnswerCheck?) -> Bool {
        guard let schema = check?.schema, let root = try? JSONParser().parse(schema).root else { return false }
        return root["properties"]?["pass"] != nil
    }
}

extension Pipeline.Stage {
    /// All stages that it reads from.
    package var origins: [String] { sources?.names ?? [from].compactMap { $0 } }

    package var origin: StageOrigin {
        StageOrigin(name: name, from: from, generation: sources == nil ? generation : nil)
    }
}
