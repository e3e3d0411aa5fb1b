import Basics
import PromptSource
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation

/// A template compared with the first rows of its input, and one that replaces another.
@Suite struct TemplateTrialTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    private func plant(_ template: String) throws -> (plant: Plant, input: InputSet) {
        let path = try folder.write("t.txt", template)
        let plant = try Plant("--template", path, in: folder)
        return (plant, try plant.input(Self.rows))
    }

    private static let rows = #"{"id":"a","topic":"x"}"# + "\n" + #"{"id":"b","topic":"y","extra":"e"}"# + "\n"

    private func remarks(_ template: String) throws -> [String] {
        let (plant, input) = try plant(template)
        defer { try? plant.store.close() }
        return try TemplateTrial.remarks(input, plant.settings, job: JobDescription(plant.settings))
    }

    @Test(arguments: [
        "{{topic}}", #"{{topic}}{{extra ?? "none"}}"#, "{{#if extra}}x{{/if}}{{topic}}",
        "{{#each topic}}{{this}}{{/each}}z",
    ]) func aFieldThatSomeRowHasIsNoTypo(template: String) throws {
        #expect(try remarks(template) == [])
    }

    @Test(arguments: [
        #"{{topic}}{{extar ?? "none"}}"#, "{{#if extar}}x{{/if}}y", #"{{#unless extar == "1"}}x{{/unless}}y"#,
    ])
    func aFieldThatNoRowHasIsTold(template: String) throws {
        #expect(
            try remarks(template)
                == ["{{extar}}: in none of the first 2 rows, so its stand-in or other branch is sent"])
    }

    @Test func aTemplateWithoutFieldsIsTold() throws {
        #expect(try remarks("hello {name}") == ["the template names no field of the rows: all prompts are equal"])
        let error = try #require(failure { _ = try remarks("on {topic}") })
        #expect(error.code == .configuration && error.remedy == "Write {{topic}}.")
    }

    // MARK: Another template

    /// Whether a template may replace the one under which the rows that it corrects were answered.
    private func isHarmless(_ first: String, then second: String, answering count: Int = 2) throws -> Bool {
        let (plant, input) = try plant(first)
        let planned = try plant.plan(input)
        try plant.answer(Array(planned.items.prefix(count)))
        try plant.store.close()
        let path = try folder.write("t.txt", second)
        let settings = try settings("in.jsonl", "--out", folder.path + "/out", "--simulate", "--template", path)
        let manifest = try #require(try RecordStore.manifest(of: settings.out))
        let reader = try StoreReader(settings.out, options: StoreAccess.options)
        return try OtherTemplate.isHarmless(
            input, settings, JobDescription(settings).adopting(manifest), manifest, reader, reader.counters)
    }

    @Test func aCorrectedTemplateThatAsksTheSameGoesOn() throws {
        #expect(try isHarmless("On {{topic}} {{extra}}", then: #"On {{topic}} {{extra ?? "none"}}"#))
    }

    @Test func aTemplateThatAsksSomethingElseDoesNot() throws {
        #expect(try !isHarmless("On {{topic}} {{extra}}", then: #"About {{topic}} {{extra ?? "none"}}"#))
    }

    @Test func theSameTemplateIsNoOther() throws {
        #expect(try !isHarmless("On {{topic}}", then: "On {{topic}}"))
    }
}
