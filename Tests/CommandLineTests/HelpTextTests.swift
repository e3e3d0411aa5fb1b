import CommandLine
import Testing

@Suite struct HelpTextTests {
    @Test func theProgramsHelp() {
        let expected = """
            still: boil things down

            Examples:
              still run in.jsonl --out a
                  boil one file

            Usage:
              still COMMAND [OPTIONS] [ARGUMENTS]
              still help COMMAND

            Commands:
              run    boil the inputs
              get    show records
              probe  look at one number

            General options:
                  --color WHEN  when to use colours [one of: auto, always, never; default:
                                auto]
              -q, --[no-]quiet  say nothing but errors
              -h, --help        show help (-h: in short, --help: at length)
              -V, --version     show the version

            """
        #expect(HelpText(Sample.program, width: 80).text(nil, .brief) == expected)
    }

    @Test func theFullHelpOfACommand() {
        let expected = """
            still get: show records

            Examples:
              still get a q-17
                  show one record

            Usage:
              still get [OPTIONS] STORE [ID...]

            Operands:
              STORE  the store
              ID     which records

            Options:
                  --json  as JSON

            General options:
                  --color WHEN  when to use colours [one of: auto, always, never; default: auto]
              -q, --[no-]quiet  say nothing but errors
              -h, --help        show help (-h: in short, --help: at length)
              -V, --version     show the version

            Exit codes:
              0     everything succeeded
              1     not found
              64    the command line is wrong

            """
        #expect(HelpText(Sample.program, width: 100).text(Sample.get, .full) == expected)
    }

    @Test func detailsAreForTheFullHelpOnly() {
        let help = HelpText(Sample.program)
        let sentence = "With auto the number follows what the server bears."
        #expect(help.text(Sample.run, .full).contains("\n" + String(repeating: " ", count: 26) + sentence))
        #expect(!help.text(Sample.run, .brief).contains(sentence))
        #expect(help.text(Sample.run, .full).contains("\n\nThe same command goes on where it stopped.\n\n"))
        #expect(help.text(Sample.run, .brief).hasSuffix("More: still run --help\n"))
        #expect(help.text(nil, .full).contains("STILL_KEY      the key; it is never read from an option"))
        #expect(help.text(nil, .full).contains("  130   interrupted by the user"))
    }

    @Test(arguments: [1, 40, 60, 80, 100, 120, 500])
    func everyLineFitsTheWidth(width: Int) {
        let longest = Sample.program.commands.flatMap { command in
            HelpText(Sample.program, width: width).text(command, .full).split(separator: "\n").map(\.count)
        }
        let limit = min(max(width, 40), 120)
        #expect(longest.allSatisfy { $0 <= limit })
    }

    @Test func everyVisibleOptionIsThereAndNoHiddenOne() {
        for command in Sample.program.commands {
            let text = HelpText(Sample.program).text(command, .brief)
            for option in Sample.program.options(of: command) {
                #expect(text.contains(option.summary.prefix(9)) == !option.isHidden, "\(option.name)")
            }
        }
    }

    @Test func examplesComeFirst() throws {
        let text = HelpText(Sample.program).text(Sample.run, .brief)
        let examples = try #require(text.firstRange(of: "Examples:"))
        let usage = try #require(text.firstRange(of: "Usage:"))
        #expect(examples.lowerBound < usage.lowerBound)
    }

    @Test func coloursChangeNothingButColours() {
        let plain = HelpText(Sample.program).text(Sample.run, .full)
        let colored = HelpText(Sample.program, palette: .colored).text(Sample.run, .full)
        #expect(colored.contains("\u{1B}[1mUsage:\u{1B}[0m"))
        #expect(colored.replacing(/\u{1B}\[[0-9]+m/, with: "") == plain)
    }

    @Test func theVersion() {
        #expect(HelpText(Sample.program).versionLine == "still 1.2.3")
    }
}
