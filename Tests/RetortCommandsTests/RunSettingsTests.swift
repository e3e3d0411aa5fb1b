import Basics
import CommandLine
import HTTPTransport
import ModelAPI
import ResponseGenerator
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation
@testable import RetortCommands

@Suite struct RunSettingsTests {
    @Test func theTableIsSound() { #expect(RetortProgram.spec.problems() == []) }

    @Test func everyCommandOfTheTableRuns() {
        #expect(RetortProgram.entries.map(\.spec.name) == RetortProgram.spec.commands.map(\.name))
    }

    @Test func defaults() throws {
        let settings = try settings("in.jsonl", "--out", "o", "--simulate")
        #expect(settings.inputs == ["in.jsonl"] && settings.out == "o" && settings.samples == 1)
        #expect(settings.generator.concurrency == 64 && settings.generator.attemptsMax == 5)
        #expect(settings.generator.limits == RateLimits())
        #expect(settings.timeouts.connect == .seconds(10) && settings.timeouts.total == .seconds(900))
        #expect(settings.parameters.model == "simulated-teacher" && settings.parameterTexts.isEmpty)
        guard case .interval(let interval) = settings.sync else { return #expect(Bool(false), "not an interval") }
        #expect(interval == .seconds(1))
    }

    @Test func allParametersReachTheRequestAndTheJob() throws {
        let settings = try settings(
            "in.jsonl", "--out", "o", "--simulate", "--model", "m", "--temperature", "0.5", "--top-p", "0.9",
            "--max-tokens", "7", "--max-completion-tokens", "8", "--stop", "a, b", "--stop", "c", "--seed", "-1",
            "--reasoning-effort", "low", "--response-format", #"{"type":"text"}"#, "--param", "x=[1]", "--samples", "2",
            "--reject-finish", "length", "--split-think")
        #expect(settings.parameters.temperature == 0.5 && settings.parameters.seed == -1)
        #expect(settings.parameters.stop == ["a, b", "c"])
        #expect(
            JobDescription(settings).values == [
                "model": "m", "endpoint": "chat", "samples": "2", "simulated": "yes", "temperature": "0.5",
                "top_p": "0.9", "max_tokens": "7", "max_completion_tokens": "8", "stop": #""a, b", "c""#, "seed": "-1",
                "reasoning_effort": "low", "response_format": #"{"type":"text"}"#, "param": #""x=[1]""#,
                "reject_finish": "length", "split_think": "yes", "row_identity": "values",
            ])
    }

    @Test func paceAndPlaceAreNotTheJob() throws {
        let one = try settings("in.jsonl", "--out", "o", "--model", "m", environment: ["OPENAI_API_KEY": "k"])
        let other = try settings(
            "other.jsonl", "--out", "p", "--model", "m", "--base-url", "http://127.0.0.1:1/v1", "--concurrency", "auto",
            "--rpm", "60", "--timeout", "1s", "--sync", "always", "--attempts", "9", "--keep-body")
        #expect(JobDescription(one) == JobDescription(other))
        #expect(other.generator.isConcurrencyAutomatic)
    }

    @Test func aNumberWrittenDifferentlyIsTheSameJob() throws {
        let one = try settings("in", "--out", "o", "--simulate", "--temperature", "1")
        let other = try settings("in", "--out", "o", "--simulate", "--temperature", "1.0")
        #expect(JobDescription(one) == JobDescription(other))
    }

    @Test func anotherJobSaysWhatDiffers() throws {
        let job = JobDescription(try settings("in", "--out", "o", "--simulate", "--seed", "1"))
        try job.check(against: job.values, at: "o", onChange: .refuse)
        var stored = job.values
        stored["model"] = "other"
        stored["seed"] = nil
        stored["top_p"] = "0.5"
        let error = try #require(failure { try job.check(against: stored, at: "o", onChange: .refuse) })
        #expect(error.code == .configuration && error.place == "o")
        #expect(
            error.cause == "model is other in the store, simulated-teacher in this run; "
                + "seed is unset in the store, 1 in this run; top_p is 0.5 in the store, unset in this run")
    }

    @Test func theKeyComesFromTheEnvironmentAlone() throws {
        let error = try #require(failure { _ = try settings("in", "--out", "o", "--model", "m") })
        #expect(error.code == .configuration && error.cause == "OPENAI_API_KEY is not set")
        let own = try settings("in", "--out", "o", "--model", "m", "--base-url", "http://127.0.0.1:9/v1")
        #expect(own.headers.isEmpty)
        let paid = try settings("in", "--out", "o", "--model", "m", environment: ["OPENAI_API_KEY": "k"])
        #expect(paid.headers.map(\.value) == ["Bearer k"] && paid.baseURL == "https://api.openai.com/v1")
        let messages = try settings(
            "in", "--out", "o", "--model", "m", "--endpoint", "messages",
            environment: ["ANTHROPIC_API_KEY": "a", "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://elsewhere"])
        #expect(messages.headers.map(\.name) == ["x-api-key", "anthropic-version"])
        #expect(messages.baseURL == "https://api.anthropic.com")
    }

    @Test(arguments: [
        ["--simulate", "--param", "x"], ["--simulate", "--param", "=1"], ["--simulate", "--param", "x=y"],
        ["--simulate", "--response-format", "{"], ["--simulate", "--samples", "0"], ["--simulate", "--rps", "-1"],
        ["--simulate", "--concurrency", "0"], ["--simulate", "--latency", "soon"], ["--simulate", "--fail", "x=1"],
        ["--concurrency", "3"],
    ])
    func whatCannotBeIsAUsageError(flags: [String]) throws {
        let error = try #require(failure { _ = try settings(["in", "--out", "o"] + flags) })
        #expect(error.code == .usage || error.code == .configuration, "\(error)")
    }
}
