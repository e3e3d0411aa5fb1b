import CommandLine
import Testing

@Suite struct ManualPageTests {
    private let page = ManualPage(Sample.program).roff

    @Test(.enabled(if: Tool.has("groff")))
    func groffHasNoWarnings() throws {
        let result = try Tool.run("groff", ["-ww", "-man", "-Tutf8", "-z"], input: page)
        #expect(result.status == 0)
        #expect(result.text == "")
    }

    @Test(.enabled(if: Tool.has("man") && Tool.has("groff")))
    func manShowsIt() throws {
        let result = try Tool.run("man", ["-P", "cat", "-l", "-"], input: page)
        #expect(result.status == 0)
        let text = result.text.replacing(/.\u{8}/, with: "")
        #expect(text.contains("still - boil things down"))
        #expect(text.contains("-j, --jobs auto|N"))
        #expect(text.contains("still run - --out a | wc -l"))
    }

    @Test func everySectionInItsOrder() throws {
        let headings = page.split(separator: "\n").filter { $0.hasPrefix(".SH") }.map { $0.dropFirst(4) }
        #expect(
            headings
                == ["NAME", "SYNOPSIS", "EXAMPLES", "COMMANDS", "OPTIONS", "ENVIRONMENT", "\"EXIT STATUS\""])
    }

    @Test func everyVisibleOptionIsThere() {
        for option in Sample.program.commands.flatMap(\.options) + Sample.program.generalOptions {
            let name = "\\fB\\-\\-\(option.name.replacing("-", with: "\\-"))\\fR"
            #expect(page.contains(name) == !option.isHidden, "\(option.name)")
        }
    }

    @Test func whatRoffReservesIsEscaped() {
        let odd = CommandSpec(
            "go", summary: ".dot first", details: "'quoted' \\n and a\n.TH line",
            options: [OptionSpec("x", kind: .string, valueName: "\"A\"", summary: "back\\slash")])
        let page = ManualPage(ProgramSpec(name: "p", version: "1", summary: "p", commands: [odd])).roff
        #expect(page.contains("\n\\&.dot first.\n"))
        #expect(page.contains("\n\\&'quoted' \\en and a .TH line\n"))
        #expect(page.contains("Back\\eslash."))
        #expect(page.split(separator: "\n").filter { $0.hasPrefix(".TH") }.count == 1)
    }

    @Test func theEnvironmentOfOptionsIsListed() {
        #expect(page.contains(".TP\n.B \"STILL_JOBS\"\nSets \\-\\-jobs."))
    }
}
