import Basics
import CommandLine
import ModelAPI
import Testing

@testable import Dataset
@testable import Distillation
@testable import RetortCommands

@Suite struct RetrySettingsTests {
    private let job = StoredJob(values: [
        "model": "m", "endpoint": "chat", "samples": "2", "temperature": "0.7", "reject_finish": "length",
    ])

    private func settings(
        _ arguments: String..., job: StoredJob? = nil, environment: [String: String] = ["OPENAI_API_KEY": "k"]
    ) throws -> RetrySettings {
        let parser = ArgumentParser(RetortProgram.spec)
        guard case .run(let command) = try parser.parse(["retry", "store"] + arguments, environment: environment) else {
            throw RetortError(.usage, "not a command to run")
        }
        return try RetrySettings(command, job: job ?? self.job, environment: environment)
    }

    @Test func asksWhatTheJobAsks() throws {
        let settings = try settings()
        #expect(settings.override == nil)
        #expect(settings.classes == nil)
        #expect(settings.run.parameters.model == "m")
        #expect(settings.run.rejectedFinishReasons == ["length"])
        #expect(settings.run.simulator == nil)
        #expect(settings.run.headers.map(\.value) == ["Bearer k"])
    }

    @Test func aRetryKeepsToASharedLimit() throws {
        let limit = try settings("--limit-server", "127.0.0.1:1", "--limit-fallback", "0.5").run.limit
        #expect(limit != nil)
        #expect(try settings().run.limit == nil)
    }

    @Test(arguments: ["--limit", "--skip", "--n", "--items-per-request"])
    func optionsOfTheInputAreUnknown(_ option: String) {
        let error = #expect(throws: RetortError.self) { try settings(option, "2") }
        #expect(error?.code == .usage)
    }

    @Test func sameValuesAreNoDifference() throws {
        let settings = try settings("--model", "m", "--temperature", "0.7", "--reject-finish", "length")
        #expect(settings.override == nil)
    }

    @Test(arguments: [
        ["--model", "x"], ["--temperature", "0.1"], ["--split-think"], ["--simulate"], ["--seed", "4"],
    ])
    func differencesNeedOverride(_ arguments: [String]) throws {
        let error = #expect(throws: RetortError.self) {
            switch arguments.count {
            case 1: try settings(arguments[0])
            default: try settings(arguments[0], arguments[1])
            }
        }
        #expect(error?.code == .configuration)
        #expect(error?.remedy?.contains("--override") == true)
        #expect(error?.cause?.contains("in the store and") == true)
    }

    @Test func anOverrideIsMadeOfWhatDiffers() throws {
        #expect(try settings("--model", "x", "--override").override != nil)
        // How an answer is parsed is not part of a request.
        #expect(try settings("--split-think", "--override").override == nil)
        #expect(try settings("--split-think", "--override").run.splitsThinking)
    }

    @Test func theEnvironmentsModelIsNoWish() throws {
        let settings = try settings(environment: ["OPENAI_API_KEY": "k", "RETORT_MODEL": "other"])
        #expect(settings.run.parameters.model == "m")
        #expect(settings.override == nil)
    }

    @Test func aSimulatedStoreIsNeverFilledUpWithPaidAnswers() throws {
        let simulated = StoredJob(values: ["model": "m", "simulated": "yes"])
        #expect(try settings(job: simulated, environment: [:]).run.simulator != nil)
        #expect(throws: RetortError.self) { try settings("--base-url", "http://localhost:1/v1", job: simulated) }
    }

    @Test func endpointAndKeyComeFromTheJob() throws {
        let job = StoredJob(values: ["model": "claude", "endpoint": "messages"])
        let settings = try settings(job: job, environment: ["ANTHROPIC_API_KEY": "a"])
        #expect(settings.run.headers.first?.name == "x-api-key")
        #expect(throws: RetortError.self) { try self.settings(job: job) }
    }

    @Test func itAsksWhereTheRunAsked() throws {
        let here = StoredJob(values: ["model": "m"], baseURL: "http://here/v1")
        #expect(try settings(job: here).run.baseURL == "http://here/v1")
        #expect(try settings("--base-url", "http://there/v1", job: here).run.baseURL == "http://there/v1")
        let environment = ["OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://elsewhere/v1"]
        #expect(try settings(job: here, environment: environment).run.baseURL == "http://elsewhere/v1")
        #expect(try settings().run.baseURL == "https://api.openai.com/v1")
        let claude = StoredJob(values: ["model": "c", "endpoint": "messages"], baseURL: "http://here")
        #expect(try settings(job: claude, environment: ["ANTHROPIC_API_KEY": "a"]).run.baseURL == "http://here")
        let named = ["ANTHROPIC_API_KEY": "a", "ANTHROPIC_BASE_URL": "http://there"]
        #expect(try settings(job: claude, environment: named).run.baseURL == "http://there")
    }

    @Test func classesAreNamed() throws {
        #expect(try settings("--class", "timeout,rate_limited").classes == [.timeout, .rateLimited])
        #expect(throws: RetortError.self) { try settings("--class", "bad_input") }
        #expect(throws: RetortError.self) { try settings("--class", "nonsense") }
    }
}
