import CommandLine
import Testing

@Suite struct ProgramProblemsTests {
    private func problems(_ options: [OptionSpec], operands: [OperandSpec] = [], example: String? = nil) -> [String] {
        let command = CommandSpec(
            "go", summary: "go", examples: example.map { [ExampleSpec($0, "it goes")] } ?? [], operands: operands,
            options: options)
        return ProgramSpec(name: "p", version: "1", summary: "p", commands: [command]).problems()
    }

    @Test func theSampleIsSound() {
        #expect(Sample.program.problems() == [])
    }

    @Test func namesAndLetters() {
        #expect(problems([OptionSpec("Big", summary: "s")]).count == 1)
        #expect(problems([OptionSpec("no-x", summary: "s")]).count == 1)
        #expect(problems([OptionSpec("x", "é", summary: "s")]).count == 1)
        #expect(
            problems([OptionSpec("x", summary: "s"), OptionSpec("x", summary: "s")]) == ["p go: --x is listed twice"])
        #expect(problems([OptionSpec("x", "h", summary: "s")]) == ["p go: -h is listed twice"])
    }

    @Test func defaultsMustParse() {
        #expect(
            problems([OptionSpec("x", kind: .integer(1...9), summary: "s", default: "0")])
                == ["p go --x: its default is wrong: '0' is out of range: 1 to 9"])
    }

    @Test func kinds() {
        #expect(problems([OptionSpec("x", kind: .string, summary: "s", negatable: true)]).count == 1)
        #expect(problems([OptionSpec("x", kind: .choice([]), summary: "s")]).count == 1)
        #expect(problems([OptionSpec("x", kind: .choice(["a b"]), summary: "s")]).count == 1)
        #expect(problems([], operands: [OperandSpec("A", kind: .flag, summary: "s")]).count == 1)
    }

    @Test func summaries() {
        #expect(problems([OptionSpec("x", summary: "")]) == ["p go --x: no summary"])
        #expect(problems([OptionSpec("x", summary: "Ends.")]).count == 1)
    }

    @Test func operandsThatStarveTheNext() {
        let problems = problems(
            [], operands: [OperandSpec("A", .any, summary: "a"), OperandSpec("B", summary: "b")])
        #expect(problems == ["p go A: takes what belongs to B"])
    }

    @Test func examplesMustParse() {
        #expect(problems([], example: "p go") == [])
        #expect(problems([], example: "p go -x | q").count == 1)
        #expect(problems([], example: "q go").count == 1)
    }

    @Test func environmentNamesAreGathered() {
        #expect(
            Sample.program.environmentTable.map(\.name).sorted()
                == ["STILL_JOBS", "STILL_KEY", "STILL_VERBOSE"])
    }
}
