import Basics
import CommandLine
import Testing

@Suite struct ArgumentParserTests {
    @Test(arguments: [
        "run i --model=v", "run i --model v", "run i -mv", "run i -m v", "run i -m=v", "run -xm v i", "run -xmv i",
        "run --model w --model v i", "run -m w -m=v i",
    ])
    func everySpellingOfAValue(line: String) throws {
        let parsed = try Sample.parse(line)
        #expect(parsed.string("model") == "v")
        #expect(parsed.operands("INPUT") == ["i"])
    }

    @Test func valuesKeepTheirEqualsSignsAndSpaces() throws {
        #expect(try Sample.parse(["run", "i", "--model=a=b"]).string("model") == "a=b")
        #expect(try Sample.parse(["run", "i", "--model", "a b"]).string("model") == "a b")
        #expect(try Sample.parse(["run", "i", "--model="]).string("model") == "")
    }

    @Test func groupedFlags() throws {
        let parsed = try Sample.parse("run i -xvj8")
        #expect(parsed.flag("strict"))
        #expect(parsed.flag("verbose"))
        #expect(parsed.integer("jobs") == 8)
        #expect(!parsed.flag("quiet"))
    }

    @Test func negation() throws {
        #expect(try !Sample.parse("run i --strict --no-strict").flag("strict"))
        #expect(try Sample.parse("run i --no-strict -x").flag("strict"))
        #expect(try Sample.parse("run i --no-strict").isGiven("strict"))
    }

    @Test func theEndOfOptions() throws {
        #expect(try Sample.parse("run -x -- -v --model --").operands("INPUT") == ["-v", "--model", "--"])
        #expect(try Sample.parse("run -").operands("INPUT") == ["-"])
    }

    @Test func negativeNumbers() throws {
        #expect(try Sample.parse("run i --heat -1.5").number("heat") == -1.5)
        #expect(try Sample.parse("run i -s -7").integer("seed") == -7)
        #expect(try Sample.parse("run i -s-7").integer("seed") == -7)
        #expect(try Sample.parse("probe -7").operand("N") == "-7")
        #expect(try Sample.parse("run i --out -").string("out") == "-")
    }

    @Test func listsGrow() throws {
        let parsed = try Sample.parse(["run", "i", "-r", "length,empty", "-rlength", "-H", "a: b, c", "-H", "d"])
        #expect(parsed.strings("reject") == ["length", "empty", "length"])
        #expect(parsed.strings("header") == ["a: b, c", "d"])
        #expect(try Sample.parse("run i").values("reject").isEmpty)
    }

    @Test func optionsStandBeforeBetweenAndAfter() throws {
        let parsed = try Sample.parse("--color never -q run a -x b --out o c")
        #expect(parsed.string("color") == "never")
        #expect(parsed.flag("quiet"))
        #expect(parsed.operands("INPUT") == ["a", "b", "c"])
        #expect(parsed.string("out") == "o")
        #expect(try Sample.parse("--color never run --color always a").string("color") == "always")
    }

    @Test func operandsAreGivenOutInOrder() throws {
        let parsed = try Sample.parse("get store a b")
        #expect(parsed.operand("STORE") == "store")
        #expect(parsed.operands("ID") == ["a", "b"])
        #expect(try Sample.parse("get store").operands("ID").isEmpty)
        #expect(try Sample.parse("probe").operand("N") == nil)
    }

    @Test func helpAndVersion() throws {
        let parser = Sample.parser
        #expect(try parser.parse(["-h"]) == .help(nil, .brief))
        #expect(try parser.parse(["--help"]) == .help(nil, .full))
        #expect(try parser.parse(["help"]) == .help(nil, .full))
        #expect(try parser.parse(["help", "get"]) == .help(Sample.get, .full))
        #expect(try parser.parse(["get", "-h"]) == .help(Sample.get, .brief))
        #expect(try parser.parse(["run", "-xh"]) == .help(Sample.run, .brief))
        #expect(try parser.parse(["get", "--help"]) == .help(Sample.get, .full))
        #expect(try parser.parse(["--version"]) == .version)
        #expect(try parser.parse(["-V"]) == .version)
        #expect(try parser.parse(["run", "--version"]) == .version)
    }

    @Test func helpWinsOverWhatIsMissingOrOutOfRange() throws {
        #expect(try Sample.parser.parse(["run", "-j", "0", "--help"]) == .help(Sample.run, .full))
        guard case .run(let parsed) = try Sample.parser.parse(["run", "--", "--help"]) else {
            Issue.record("an operand was taken for a request for help")
            return
        }
        #expect(parsed.operands("INPUT") == ["--help"])
    }
}
