import CommandLine
import Testing

@Suite struct CompletionScriptTests {
    private let bash = CompletionShell.bash.script(for: Sample.program)

    @Test(arguments: CompletionShell.allCases)
    func theShellAcceptsTheScript(shell: CompletionShell) throws {
        guard Tool.has(shell.rawValue) else { return }
        let result = try Tool.run(shell.rawValue, ["-n"], input: shell.script(for: Sample.program))
        #expect(result.status == 0)
        #expect(result.text == "")
    }

    @Test(arguments: CompletionShell.allCases)
    func hiddenOptionsStayHidden(shell: CompletionShell) {
        let script = shell.script(for: Sample.program)
        #expect(script.contains("max-cost"))
        #expect(!script.contains("trace"))
    }

    /// The completions that bash offers for these words, with the cursor after the last one.
    private func offered(_ words: [String]) throws -> [String] {
        let quoted = words.map { "'\($0)'" }.joined(separator: " ")
        let driver = """
            \(bash)
            COMP_WORDS=(\(quoted)); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            _still
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        let result = try Tool.run("bash", ["--norc", "-s"], input: driver)
        #expect(result.status == 0)
        return result.text.split(separator: "\n").map(String.init)
    }

    @Test(arguments: [
        (["still", "pr"], ["probe"]),
        (["still", "--co"], ["--color"]),
        (["still", "help", "ge"], ["get"]),
        (["still", "run", "--m"], ["--max-cost", "--model"]),
        (["still", "run", "--no-s"], ["--no-strict"]),
        (["still", "run", "in", "-x", "--ou"], ["--out"]),
        (["still", "--color", "never", "get", "--j"], ["--json"]),
        (["still", "--color", "=", "never", "get", "--j"], ["--json"]),
        (["still", "run", "--color", "a"], ["auto", "always"]),
        (["still", "run", "--color", "=", "n"], ["never"]),
        (["still", "run", "--color", "="], ["auto", "always", "never"]),
        (["still", "run", "-j", ""], ["auto"]),
        (["still", "run", "--model", ""], []),
        (["still", "run", "--out", "/etc/host"], ["/etc/host.conf", "/etc/hostname", "/etc/hosts"]),
        (["still", "run", "/etc/hostn"], ["/etc/hostname"]),
        (["still", "probe", ""], []),
    ])
    func bashCompletes(words: [String], expected: [String]) throws {
        let offered = try offered(words)
        if expected.contains("/etc/hosts") {
            #expect(offered.contains("/etc/hosts"))
        } else {
            #expect(offered == expected)
        }
    }

    @Test(
        .enabled(if: Tool.has("fish")),
        arguments: [
            ("still pr", "probe"), ("still run --max", "--max-cost"), ("still run --color=nev", "--color=never"),
            ("still help ge", "get"),
        ])
    func fishCompletes(line: String, expected: String) throws {
        let script = CompletionShell.fish.script(for: Sample.program) + "complete -C '\(line)'\n"
        let result = try Tool.run("fish", ["--no-config"], input: script)
        #expect(result.text.split(separator: "\n").map { $0.prefix { $0 != "\t" } } == [Substring(expected)])
    }

    @Test func zshQuotesWhatItsSpecificationsReserve() {
        let option = OptionSpec("odd", kind: .choice(["a"]), valueName: "A:B", summary: "it's [odd]: so")
        let command = CommandSpec("go", summary: "go", options: [option])
        let script = CompletionShell.zsh.script(
            for: ProgramSpec(name: "p", version: "1", summary: "p", commands: [command]))
        #expect(script.contains(#"'(--odd)--odd=[it'\''s \[odd\]: so]:A\:B:(a)'"#))
    }
}
