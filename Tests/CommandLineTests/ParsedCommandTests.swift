import Basics
import CommandLine
import Testing

private enum Color: String { case auto, always, never }
private enum Shade: String { case dark }

@Suite struct ParsedCommandTests {
    @Test func defaultsComeFromTheTable() throws {
        let parsed = try Sample.parse("run i")
        #expect(parsed.integer("jobs") == 16)
        #expect(parsed.duration("timeout") == .seconds(300))
        #expect(parsed.size("block") == 131_072)
        #expect(parsed.choice("color", as: Color.self) == .auto)
        #expect(parsed.stringIfSet("out") == nil)
        #expect(parsed.numberIfSet("max-cost") == nil)
        #expect(parsed.integerIfSet("seed") == nil)
        #expect(!parsed.isGiven("jobs"))
        #expect(parsed.source(of: "jobs") == .table)
    }

    @Test func eitherKindIsToldApart() throws {
        let auto = try Sample.parse("run i -j auto")
        #expect(auto.stringIfSet("jobs") == "auto")
        #expect(auto.integerIfSet("jobs") == nil)
        let eight = try Sample.parse("run i -j 8")
        #expect(eight.stringIfSet("jobs") == nil)
        #expect(eight.integerIfSet("jobs") == 8)
    }

    @Test func theEnvironmentStandsIn() throws {
        let environment = ["STILL_JOBS": "4", "STILL_VERBOSE": "yes", "UNRELATED": "x"]
        let parsed = try Sample.parse("run i", environment: environment)
        #expect(parsed.integer("jobs") == 4)
        #expect(parsed.source(of: "jobs") == .environment)
        #expect(parsed.flag("verbose"))
        let explicit = try Sample.parse("run i -j 2", environment: environment)
        #expect(explicit.integer("jobs") == 2)
        #expect(explicit.source(of: "jobs") == .commandLine)
        #expect(try Sample.parse("run i", environment: ["STILL_JOBS": ""]).source(of: "jobs") == .table)
    }

    @Test func settingsYieldToFlagsAndEnvironment() throws {
        let settings = [
            Setting("jobs", "1", at: "job.yaml:1"), Setting("timeout", "9s", at: "job.yaml:2"),
            Setting("model", "m", at: "job.yaml:3"), Setting("strict", "true", at: "job.yaml:4"),
            Setting("header", "a", at: "job.yaml:5"), Setting("header", "b", at: "job.yaml:6"),
        ]
        let parsed = try Sample.parse("run i -m n", environment: ["STILL_JOBS": "4"]).applying(settings)
        #expect(parsed.integer("jobs") == 4)
        #expect(parsed.string("model") == "n")
        #expect(parsed.duration("timeout") == .seconds(9))
        #expect(parsed.source(of: "timeout") == .file)
        #expect(parsed.flag("strict"))
        #expect(parsed.strings("header") == ["a", "b"])
        #expect(try Sample.parse("run i -H c").applying(settings).strings("header") == ["c"])
    }

    @Test func wrongSettingsNameTheirPlace() throws {
        let parsed = try Sample.parse("run i")
        let wrong = #expect(throws: RetortError.self) {
            try parsed.applying([Setting("timeout", "9", at: "job.yaml:2:10")])
        }
        #expect(wrong?.code == .configuration)
        #expect(wrong?.description == "job.yaml:2:10: timeout: '9' has no unit; write 9s or 9ms")
        let unknown = #expect(throws: RetortError.self) {
            try parsed.applying([Setting("timeuot", "9s", at: "job.yaml:2")])
        }
        #expect(
            unknown?.description
                == "job.yaml:2: unknown setting 'timeuot'. Did you mean timeout? See `still run --help`.")
    }

    @Test func requiredTexts() throws {
        #expect(try Sample.parse("run i --out o").requiredString("out") == "o")
        let error = #expect(throws: RetortError.self) { try Sample.parse("run i").requiredString("out") }
        #expect(error?.description == "run needs --out DIR. See `still run --help`.")
    }

    @Test func aNameThatIsNotInTheTableTraps() async {
        await #expect(processExitsWith: .failure) { _ = try Sample.parse("run i").flag("stict") }
        await #expect(processExitsWith: .failure) { _ = try Sample.parse("run i").isGiven("stict") }
        await #expect(processExitsWith: .failure) { _ = try Sample.parse("run i").operands("STORE") }
    }

    @Test func aWrongTypeOrAMissingValueTraps() async {
        await #expect(processExitsWith: .failure) { _ = try Sample.parse("run i").string("timeout") }
        await #expect(processExitsWith: .failure) { _ = try Sample.parse("run i").string("out") }
        await #expect(processExitsWith: .failure) { _ = try Sample.parse("run i").flag("jobs") }
        await #expect(processExitsWith: .failure) { _ = try Sample.parse("run i").choice("color", as: Shade.self) }
    }

    @Test func theShellLineIsQuoted() throws {
        let parsed = try Sample.parse(["run", "it's here", "--out=a b", "-q", "-j", "8"])
        #expect(parsed.shellLine == #"still run --jobs=8 '--out=a b' --quiet 'it'\''s here'"#)
    }
}
