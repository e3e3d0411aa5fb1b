import Basics
import CommandLine
import ModelAPI
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation
@testable import RetortCommands

@Suite struct OptionSynonymsTests {
    private func refusal(_ words: [String]) -> RetortError? {
        failure { _ = try ArgumentParser(RetortProgram.spec).parse(words) }
    }

    @Test(arguments: [
        ("--max-retries", "--attempts"), ("--workers", "--concurrency"), ("--batch-size", "--concurrency"),
        ("--api-key", "OPENAI_API_KEY"), ("--dry-run", "retort plan"), ("--resume", "same command"),
        ("--system", "@system"),
        ("--verbose", "--progress"), ("--output-dir", "--out"), ("--max-concurrent-requests", "--concurrency"),
        ("--max_workers", "--concurrency"), ("-j", "--concurrency"), ("-v", "--progress"),
        ("--num-workers", "--concurrency"),
        ("--head", "--limit N"), ("--offset", "--skip N"), ("--num-prompts", "--limit N"),
        ("--guided-json", "--schema FILE"),
        ("--frequency-penalty", "frequency_penalty="), ("--api-version", "?api-version="), ("--prompt", "prompts.txt"),
        ("--logprobs", "logprobs=true"), ("--organization", "OpenAI-Organization"), ("--world-size", "--shard K/N"),
        ("--max-new-tokens", "--max-tokens"), ("--budget", "--max-cost"), ("--input", "without an option"),
    ])
    func namesOfOtherProgramsAreUnderstood(option: String, word: String) throws {
        let error = try #require(refusal(["run", "in.jsonl", option, "3"]))
        #expect(error.code == .usage && error.remedy?.contains(word) == true, "\(error)")
        #expect(error.description.hasPrefix("run: unknown option \(option). "))
    }

    @Test func theTableOfCommandsIsSound() { #expect(RetortProgram.spec.problems() == []) }

    @Test func adviceNamesOptionsOfTheCommandOnly() throws {
        let error = try #require(refusal(["status", "x", "--workers", "3"]))
        #expect(error.remedy?.contains("--concurrency") != true)
    }

    /// The next command must accept every piece of advice.
    @Test func everyOptionInAnAdviceExists() {
        let program = RetortProgram.spec
        let options = Set(program.commands.flatMap(\.options).map(\.name) + ["quiet"])
        for synonym in OptionSynonyms.all {
            if let option = synonym.option { #expect(options.contains(option), "\(synonym)") }
            for word in synonym.advice.split(whereSeparator: { " ,;:.()".contains($0) }) where word.hasPrefix("--") {
                #expect(options.contains(String(word.dropFirst(2))), "\(word) in \(synonym.advice)")
            }
            #expect(synonym.advice.hasSuffix("."))
        }
        let names = OptionSynonyms.all.flatMap(\.names)
        #expect(Set(names).count == names.count)
    }

    @Test func settingsOfAJobFileToo() throws {
        let parser = ArgumentParser(RetortProgram.spec)
        guard case .run(let command) = try parser.parse(["run", "in", "--simulate"]) else { return }
        let error = try #require(failure { _ = try command.applying([Setting("num-samples", "3", at: "job.yaml:4")]) })
        #expect(error.place == "job.yaml:4" && error.remedy?.contains("samples") == true)
    }

    @Test func theShortHelpShowsWhatMatters() throws {
        let run = try #require(RetortProgram.spec.command(named: "run"))
        let help = HelpText(RetortProgram.spec, width: 80)
        let brief = help.text(run, .brief)
        #expect(
            brief.split(separator: "\n").count < 60 && brief.contains("--concurrency") && brief.contains("more options")
        )
        #expect(!brief.contains("--stall-timeout") && help.text(run, .full).contains("--stall-timeout"))
        for name in ["OPENAI_BASE_URL", "RETORT_MODEL", "AZURE_OPENAI_API_KEY"] {
            #expect(help.text(nil, .full).contains(name))
        }
    }

    @Test(arguments: [
        (["--model", "m", "--base-url", "http://h", "--latency", "1s"], "--latency"),
        (["--model", "m", "--base-url", "http://h", "--fail", "429=1"], "--fail"),
        (["--simulate", "--response-format", "json_object"], "json_object"),
        (["--simulate", "--template", "/nonexistent/t.txt"], "no such template file"),
        (["--simulate", "--max-cost", "1"], "--prices"),
        (["--simulate", "-m", "gpt-4o-mini", "--max-cost", "1"], "--max-tokens"),
    ])
    func whatWouldBeIgnoredIsRefused(flags: [String], word: String) throws {
        let error = try #require(failure { _ = try settings(["in", "--out", "o"] + flags) })
        #expect(error.description.contains(word), "\(error)")
    }

    @Test func aCapOnASimulatedRunIsKept() throws {
        let settings = try settings(
            "in", "--out", "o", "--simulate", "-m", "gpt-4o-mini", "--max-cost", "1", "--max-tokens", "10")
        #expect(settings.pricing.price?.input == 0.15 && settings.pricing.limit == 1_000_000_000)
    }

    @Test func aDirectoryOfOtherFilesIsNoPlaceForAStore() throws {
        let folder = try Folder()
        try OutputPlace(folder.path).check(PosixFileSystem())
        try folder.write(".gitkeep", "")
        try OutputPlace(folder.path).check(PosixFileSystem())
        try folder.write("thesis.tex", "")
        let error = try #require(failure { try OutputPlace(folder.path).check(PosixFileSystem()) })
        #expect(error.code == .configuration && error.place == "\(folder.path)/thesis.tex")
        for taken in ["thesis.tex", "thesis.tex/below"] {
            let error = try #require(
                failure { try OutputPlace("\(folder.path)/\(taken)").check(PosixFileSystem()) })
            #expect(error.code == .io && error.remedy == OutputPlace.remedy, "\(error)")
        }
    }
}
