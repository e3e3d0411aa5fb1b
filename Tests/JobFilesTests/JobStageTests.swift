import Basics
import CommandLine
import Testing

@testable import JobFiles

@Suite("Stages of a job file")
struct JobStageTests {
    private static let options = [
        OptionSpec("model", kind: .string, summary: "m"), OptionSpec("where", kind: .string, summary: "w"),
        OptionSpec("max-tokens", kind: .string, summary: "t"), OptionSpec("out", kind: .path, summary: "o"),
        OptionSpec("limit", kind: .string, summary: "l"),
    ]

    private func document(_ text: String, stage: Int? = nil) -> JobDocument {
        JobDocument((text, "j.yaml"), options: Self.options, choice: JobDocument.Choice(stage: stage)) {
            (path) throws(RetortError) in throw RetortError(.inputMissing, "no such file", at: path)
        }
    }

    private let whole = """
        model: small
        max-tokens: 5
        stages:
          - name: draft
          - name: review
            from: draft
            model: big
            when: draft.rejected
            prompt: "See {{response}}"
        """

    @Test("A stage may read from several, and may judge another one")
    func joinsAndJudges() {
        let text = """
            stages:
              - name: draft
              - name: judge
                verdict_of: draft
                pass-at: 6.5
              - name: third
                from: judge
              - name: both
                join: [third, draft]
            """
        let all = document(text)
        #expect(all.problems.isEmpty)
        #expect(all.stages.map(\.from) == [nil, "draft", "judge", "third"])
        #expect(all.stages.map(\.verdictOf) == [nil, "draft", nil, nil])
        #expect(all.stages[1].passAt == 6.5)
        #expect(all.stages[3].join == ["draft", "third"] && all.stages[3].lead == "third")
    }

    @Test("A repeated stage is a stage for each generation, and what reads all of them is too")
    func generations() {
        let text = """
            stages:
              - name: seed
              - name: evolve
                from: seed
                where: a
                repeat: 3
              - name: each
                from: evolve
                generations: all
              - name: last
                from: evolve
            """
        let all = document(text)
        #expect(all.problems.isEmpty)
        #expect(
            all.stages.map(\.name) == [
                "seed", "evolve.1", "evolve.2", "evolve.3", "each.1", "each.2", "each.3", "last",
            ])
        #expect(
            all.stages.map(\.from) == [
                nil, "seed", "evolve.1", "evolve.2", "evolve.1", "evolve.2", "evolve.3", "evolve.3",
            ])
        #expect(all.stages.map(\.generation) == [nil, nil, 2, 3, nil, nil, nil, nil])
        #expect(document(text, stage: 1).settings.contains { $0.name == "where" })
        #expect(!document(text, stage: 2).settings.contains { $0.name == "where" })
        #expect(JobStage.isStoreName("evolve.3") && !JobStage.isStoreName("evolve.03"))
        #expect(
            !JobStage.isStoreName("evolve.1.2") && !JobStage.isStoreName(".1") && !JobStage.isStoreName("evolve.99"))
    }

    @Test("What is at the top holds for each stage that does not say otherwise")
    func layers() {
        let all = document(whole)
        #expect(all.problems.isEmpty)
        #expect(all.stages.map(\.name) == ["draft", "review"])
        #expect(all.stages.map(\.from) == [nil, "draft"])
        #expect(all.special["stages"] == nil)
        let first = document(whole, stage: 0)
        #expect(first.settings.map(\.text) == ["small", "5"])
        #expect(first.special["prompt"] == nil)
        let second = document(whole, stage: 1)
        #expect(second.settings.map(\.name) == ["model", "max-tokens", "where"])
        #expect(second.settings.map(\.text) == ["big", "5", "draft.rejected"])
        #expect(second.settings[0].place == "j.yaml:7:12")
        #expect(second.special["prompt"] != nil)
    }

    @Test(
        "What cannot be is told with its place",
        arguments: [
            ("stages: x", "1:9", "not a list"), ("stages: []", "1:9", "not a list"),
            ("stages:\n  - model: x", "2:5", "no name"), ("stages:\n  - name: a/b", "2:11", "cannot be"),
            ("stages:\n  - name: 1a", "2:11", "cannot be"), ("stages:\n  - name: [a]", "2:11", "cannot be"),
            ("stages:\n  - name: a\n  - name: a", "3:11", "two stages"),
            ("stages:\n  - name: a\n  - name: b\n    from: c", "4:11", "no stage 'c'"),
            ("stages:\n  - name: a\n    from: a", "3:11", "no stage 'a'"),
            ("stages:\n  - name: a\n  - name: b", "3:5", "neither"),
            ("stages:\n  - name: a\n    out: b", "3:5", "all stages"),
            ("stages:\n  - name: a\n  - name: b\n    from: a\n    limit: 3", "5:5", "matter of files"),
            ("stages:\n  - name: a\n    when: x\n    where: y", "4:5", "one option"),
        ])
    func faults(text: String, place: String, message: String) {
        let problems = document(text).problems
        #expect(problems.count == 1)
        #expect(problems.first?.place == "j.yaml:\(place)")
        #expect(problems.first?.message.contains(message) == true)
    }

    @Test("A list of too many stages is refused")
    func many() {
        let lines = (0...JobStage.stagesMax).map { "  - name: s\($0)\n    from: s\($0 - 1)\n" }
        #expect(document("stages:\n" + lines.joined()).problems.count == 1)
    }
}
