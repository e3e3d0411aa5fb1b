import Basics
import CommandLine
import ModelAPI
import PromptSource
import Testing

@testable import Dataset
@testable import Distillation
@testable import RetortCommands

@Suite struct JobFileTests {
    private func job(_ text: String) throws(RetortError) -> JobFile {
        try JobFile(parsing: text, name: "j.yaml", options: RunCommand.spec.options)
    }

    @Test func becomesSettings() throws {
        let job = try job("input: a.jsonl\nmax_tokens: 5\nmodel: m\nstop: [x, y]\nprompt: \"Say {{it}}\"\n")
        #expect(job.inputs == ["a.jsonl"])
        #expect(job.settings.map(\.name) == ["max-tokens", "model", "stop", "stop"])
        #expect(job.settings.map(\.place) == ["j.yaml:2:13", "j.yaml:3:8", "j.yaml:4:8", "j.yaml:4:11"])
        #expect(job.template?.text == "Say {{it}}")
        #expect(job.template?.template.fields == ["it"])
    }

    @Test func refusesWhatCannotBe() {
        #expect(throws: RetortError.self) { try job("prompt: [a, b]") }
        #expect(throws: RetortError.self) { try job("prompt: 'open {{field'") }
        #expect(throws: RetortError.self) { try job("prompt: a\ntemplate: b.txt") }
        #expect(throws: RetortError.self) { try job(String(repeating: "#", count: JobFile.bytesMax + 1)) }
    }

    @Test func inputsOfTheCommandLineWin() throws {
        let job = try job("input: [a, b]")
        #expect(try job.inputs(given: ["j.yaml"]) == ["a", "b"])
        #expect(try job.inputs(given: ["j.yaml", "c"]) == ["c"])
        #expect(throws: RetortError.self) { try self.job("model: m").inputs(given: ["j.yaml"]) }
    }

    private func settings(_ text: String, _ flags: String..., environment: [String: String] = [:]) throws -> RunSettings
    {
        let job = try job(text)
        let parser = ArgumentParser(RetortProgram.spec)
        guard case .run(let command) = try parser.parse(["run", "j.yaml"] + flags, environment: environment) else {
            throw RetortError(.usage, "not a run")
        }
        return try RunSettings(try command.applying(job.settings), environment: environment, job: job)
    }

    @Test func theCommandLineWinsOverTheFile() throws {
        let text = "input: a\nout: o\nsimulate: true\ntemperature: 0.5\nmodel: m\nprompt: hello {{x}}\n"
        let plain = try settings(text)
        #expect(plain.parameters.temperature == 0.5)
        #expect(plain.inputs == ["a"])
        #expect(plain.templateText == "hello {{x}}")
        let changed = try settings(text, "--temperature", "0.9", environment: ["RETORT_MODEL": "env"])
        #expect(changed.parameters.temperature == 0.9)
        #expect(changed.parameters.model == "env")
    }

    @Test func wrongValuesNameTheirLine() throws {
        let error = #expect(throws: RetortError.self) { try settings("input: a\nout: o\ntemperature: hot") }
        #expect(error?.place == "j.yaml:3:14")
        let unknown = #expect(throws: RetortError.self) { try settings("input: a\ntemprature: 1") }
        #expect(unknown?.place == "j.yaml:2:1")
        #expect(unknown?.remedy?.contains("temperature") == true)
    }
}
