import Basics
import CommandLine
import Foundation
import JobFiles
import ModelAPI
import PromptSource
import ResponseGenerator
import Testing

@testable import Dataset
@testable import Distillation
@testable import RetortCommands

@Suite struct RunRequestTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("request-\(UUID().uuidString)")

    private func command(_ arguments: [String], environment: [String: String] = [:]) throws -> ParsedCommand {
        guard case .run(let command) = try ArgumentParser(RetortProgram.spec).parse(arguments, environment: environment)
        else { throw RetortError(.usage, "not a run") }
        return command
    }

    private func write(_ files: [String: String]) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (name, text) in files {
            try Data(text.utf8).write(to: folder.appendingPathComponent(name))
        }
    }

    private func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    private func settings(_ request: RunRequest, environment: [String: String] = [:]) throws -> RunSettings {
        try RunSettings(request.command, environment: environment, job: request.job)
    }

    private static let models = """
        api: {provider: deepseek, concurrency: 8}
        models:
          chat: {model: deepseek-chat, temperature: 0.5, price: {input: 0.27, cached: 0.07, output: 1.1}}
          claude: {model: claude-x, provider: anthropic, max-tokens: 9}
        default: chat
        """

    @Test func twoFilesMakeOneRun() throws {
        try write(["m.yaml": Self.models, "j.yaml": "model-config: m.yaml\ninput: a\nout: o\n"])
        defer { try? FileManager.default.removeItem(at: folder) }
        // The model file is beside the job file.
        let request = try RunRequest(try command(["run", path("j.yaml")]))
        #expect(request.problems.isEmpty)
        let settings = try settings(request, environment: ["DEEPSEEK_API_KEY": "k", "OPENAI_API_KEY": "other"])
        #expect(settings.parameters.model == "deepseek-chat")
        #expect(settings.parameters.temperature == 0.5)
        #expect(settings.baseURL == "https://api.deepseek.com/v1")
        #expect(settings.headers.contains { $0.name == "Authorization" && $0.value == "Bearer k" })
        #expect(settings.generator.concurrency == 8)
        #expect(settings.pricing.price == TokenPrice(input: 0.27, cachedInput: 0.07, output: 1.1))
        let model = try #require(settings.origins.first { $0.name == "model" })
        #expect(model.value == "deepseek-chat")
        #expect(model.origin.hasSuffix("m.yaml:3:3"))
    }

    @Test func aNameOfTheModelFileOnTheCommandLineIsItsModel() throws {
        try write(["m.yaml": Self.models])
        defer { try? FileManager.default.removeItem(at: folder) }
        let given = try command(["run", "a", "--out", "o", "--model-config", path("m.yaml"), "--model", "claude"])
        let request = try RunRequest(given)
        let settings = try settings(request, environment: ["ANTHROPIC_API_KEY": "k"])
        #expect(settings.parameters.model == "claude-x")
        #expect(settings.endpoint == .messages)
        #expect(settings.headers.contains { $0.name == "x-api-key" && $0.value == "k" })
        // The line for resuming shows what was typed.
        #expect(given.shellLine.contains("claude"))
        #expect(!given.shellLine.contains("claude-x"))
    }

    @Test func commandLineOverEnvironmentOverFile() throws {
        try write(["j.yaml": "input: a\nout: o\nsimulate: true\nmax-tokens: 1\ntemperature: 0.1\nrps: 1\n"])
        defer { try? FileManager.default.removeItem(at: folder) }
        let environment = ["RETORT_MAX_TOKENS": "2", "RETORT_TEMPERATURE": "0.2", "RETORT_STRICT": "true"]
        let request = try RunRequest(
            try command(["run", path("j.yaml"), "--temperature", "0.3"], environment: environment))
        let settings = try settings(request)
        #expect(settings.parameters.temperature == 0.3)
        #expect(settings.parameters.maxTokens == 2)
        #expect(settings.generator.limits.requestsPerSecond == 1)
        #expect(settings.isStrict)
        let origins = Dictionary(uniqueKeysWithValues: settings.origins.map { ($0.name, $0.origin) })
        #expect(origins["temperature"] == "--temperature")
        #expect(origins["max-tokens"] == "$RETORT_MAX_TOKENS")
        #expect(origins["rps"]?.hasSuffix("j.yaml:6:6") == true)
        let wrong = #expect(throws: RetortError.self) {
            try command(["run", "a"], environment: ["RETORT_CONCURRENCY": "lots"])
        }
        #expect(wrong?.place == "$RETORT_CONCURRENCY")
    }

    @Test func onlyRunAndPlanReadTheVariables() throws {
        let environment = ["RETORT_QUIET": "true", "RETORT_MODEL": "m", "RETORT_HELP": "true"]
        #expect(try command(["run", "a"], environment: environment).flag("quiet"))
        #expect(try command(["plan", "a"], environment: environment).flag("quiet"))
        #expect(try !command(["status", "a"], environment: environment).flag("quiet"))
        // Both names of the base URL: retort's own has precedence.
        let both = ["RETORT_BASE_URL": "http://a/v1", "OPENAI_BASE_URL": "http://b/v1"]
        #expect(try command(["run", "a"], environment: both).strings("base-url") == ["http://a/v1"])
    }

    @Test func providersYieldToABaseURLOfTheirOwnRank() throws {
        func url(_ arguments: String..., environment: [String: String] = [:]) throws -> String {
            var keys = environment
            for provider in KnownProvider.all { if let variable = provider.keyVariable { keys[variable] = "k" } }
            let command = try command(["run", "a", "--out", "o", "-m", "m"] + arguments, environment: keys)
            return try RunSettings(command, environment: keys).baseURL
        }
        #expect(try url("--provider", "groq") == "https://api.groq.com/openai/v1")
        #expect(try url("--provider", "groq", "--base-url", "http://h/v1") == "http://h/v1")
        #expect(try url("--provider", "groq", environment: ["OPENAI_BASE_URL": "http://h/v1"]).contains("groq"))
        #expect(try url("--provider", "anthropic") == "https://api.anthropic.com")
        #expect(try url(environment: ["OPENAI_BASE_URL": "http://h/v1"]) == "http://h/v1")
        #expect(try url("--provider", "ollama") == "http://localhost:11434/v1")
    }

    @Test func keysAreTheProvidersOrTheNamedOnes() throws {
        func key(_ arguments: String..., environment: [String: String]) throws -> String? {
            let command = try command(["run", "a", "--out", "o", "-m", "m"] + arguments, environment: environment)
            return try RunSettings(command, environment: environment).headers.first { $0.name == "Authorization" }?
                .value
        }
        let deepseek = "https://api.deepseek.com/v1"
        #expect(
            try key("--base-url", deepseek, environment: ["DEEPSEEK_API_KEY": "d", "OPENAI_API_KEY": "o"]) == "Bearer d"
        )
        #expect(try key("--base-url", deepseek, environment: ["OPENAI_API_KEY": "o"]) == "Bearer o")
        #expect(
            try key("--provider", "groq", "--key-variable", "MINE", environment: ["MINE": "m", "GROQ_API_KEY": "g"])
                == "Bearer m")
        let missing = #expect(throws: RetortError.self) { try key("--provider", "groq", environment: [:]) }
        #expect(missing?.cause == "GROQ_API_KEY is not set")
        for wrong in ["sk-abcdef", "hf_secret", "two words", "9A", ""] {
            let error = #expect(throws: RetortError.self) {
                try key("--key-variable=" + wrong, environment: ["OPENAI_API_KEY": "o"])
            }
            #expect(wrong.isEmpty || error?.description.contains(wrong) == false)
        }
    }

    @Test func theStarterRunsAsItIs() throws {
        try write(Dictionary(uniqueKeysWithValues: Starter.files(in: ".").map { ($0.path, $0.text) }))
        defer { try? FileManager.default.removeItem(at: folder) }
        let request = try RunRequest(try command(["run", path("job.yaml"), "--simulate"]))
        #expect(request.problems.isEmpty)
        #expect(request.notes.isEmpty)
        let settings = try settings(request)
        #expect(settings.parameters.model == "deepseek-chat")
        #expect(settings.template?.fields == ["prompt"])
    }

    @Test func theSchemasInTheRepositoryAreThoseOfTheTable() throws {
        let schema = JobSchema(RunCommand.spec.options)
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        for (name, text) in [("job", schema.job), ("models", schema.models)] {
            let file = try String(contentsOf: root.appendingPathComponent("data/\(name).schema.json"), encoding: .utf8)
            #expect(file == text, "run: retort init --schema \(name) > data/\(name).schema.json")
        }
    }
}
