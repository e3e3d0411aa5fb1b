import Basics
import JSONText
import Testing

@testable import Verifiers

@Suite(.enabled(if: Sandboxed.isPossible, "bubblewrap cannot make a sandbox here"))
struct TestsVerifierTests {
    private static let addRow = #"""
        {"prompt":"import math\n\ndef add(a, b):\n    \"\"\"Adds.\"\"\"\n","entry_point":"add",
         "test":"def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate(-1, 1) == 0\n"}
        """#

    private static let coinRow = #"""
        {"prompt":"def add(a, b):\n    \"\"\"Adds, mostly.\"\"\"\n","entry_point":"add",
         "test":"def check(candidate):\n    assert candidate(1, 2) == 3\n"}
        """#

    private func judge(_ row: String, _ answer: String, seconds: Double = 20) async throws -> Opinion {
        let verifier = TestsVerifier(workers: 2, seconds: .seconds(seconds), mode: .bubblewrap)
        return try await verifier.judge(Sandboxed.request(row, answer))
    }

    @Test(arguments: [
        ("    return a + b\n", true),
        ("    return a - b\n", false),
        ("Here:\n```python\ndef add(a, b):\n    return int(math.fsum([a, b]))\n```\n", true),
        ("```python\n    return a + b\n```", true),
        ("    return a +\n", false),
        ("    print('noise' * 1000)\n    return a + b\n", true),
        ("    return a + b\nif __name__ == '__main__':\n    raise ValueError\n", true),
        ("    input()\n    return a + b\n", false),
    ])
    func functionsAreCalledByTheirTests(_ answer: String, _ passes: Bool) async throws {
        let opinion = try await judge(Self.addRow, answer)
        #expect(opinion.pass == passes, "\(opinion)")
        #expect(opinion.score == (passes ? 1 : 0))
    }

    @Test(.timeLimit(.minutes(1))) func testsThatDoNotSayTheSameTwiceAreMarked() async throws {
        let verifier = TestsVerifier(workers: 2, mode: .bubblewrap, repeatedOneOf: 1)
        var marked = 0
        for number in 0..<24 {
            let code = "    import os\n    return a + b + os.urandom(1)[0] % 2  # \(number)\n"
            let opinion = try await verifier.judge(Sandboxed.request(Self.coinRow, code))
            if String(decoding: opinion.value ?? [], as: UTF8.self).contains(#""flipped":true"#) { marked += 1 }
        }
        #expect(marked > 0)
        let steady = try await verifier.judge(Sandboxed.request(Self.addRow, "    return a + b\n"))
        #expect(steady.pass && !String(decoding: steady.value ?? [], as: UTF8.self).contains("flipped"))
    }

    @Test(.timeLimit(.minutes(1))) func aProgramIsStoppedWithTheRun() async throws {
        let row = #"{"tests":[{"input":"","output":"1"},{"input":"","output":"2"}]}"#
        let judging = Task { try await judge(row, "```python\nwhile True: pass\n```", seconds: 300) }
        judging.cancel()
        let error = await #expect(throws: RetortError.self) { _ = try await judging.value }
        #expect(error?.code == .interrupted)
    }

    @Test func theFeedbackShowsTheFailure() async throws {
        let opinion = try await judge(Self.addRow, "    return a - b\n")
        #expect(opinion.feedback?.contains("AssertionError") == true, "\(opinion)")
        #expect(opinion.feedback?.contains("harness") == false, "\(opinion)")
        #expect(try Sandboxed.reason(opinion) == "wrong")
        let other = try await judge(Self.addRow, "    return a + c\n")
        #expect(other.feedback?.contains("NameError: name 'c' is not defined") == true, "\(other)")
    }

    @Test func assertionsCountOneByOne() async throws {
        let row =
            #"{"test_list":["assert sq(2) == 4","assert sq(3) == 9","assert sq(-1) == 1"],"test_setup_code":"import re"}"#
        let opinion = try await judge(
            row, "```python\ndef sq(x):\n    return x * 2 if x == 2 else 9 if x > 0 else -1\n```")
        #expect(opinion.score == 2.0 / 3)
        #expect(opinion.feedback?.hasPrefix("assert sq(-1) == 1") == true, "\(opinion)")
    }

    @Test(arguments: [
        ("python", "for line in open(0):\n    print(sum(map(int, line.split())))"),
        ("bash", "while read a b; do echo $((a + b)); done"),
        ("perl", #"while (<>) { my ($a, $b) = split; print $a + $b, "\n"; }"#),
        (
            "c",
            "#include <stdio.h>\nint main() { int a, b; while (scanf(\"%d %d\", &a, &b) == 2) printf(\"%d\\n\", a + b); }"
        ),
        (
            "cpp",
            "#include <iostream>\nint main() { int a, b; while (std::cin >> a >> b) std::cout << a + b << '\\n'; }"
        ),
        (
            "js",
            "for (const l of require('fs').readFileSync(0, 'utf8').trim().split('\\n')) console.log(l.split(' ').reduce((a, b) => +a + +b))"
        ),
    ])
    func programsReadAndWrite(_ tag: String, _ code: String) async throws {
        guard ProgramLanguage(tag: tag)?.program != nil else { return }
        let row =
            #"{"public_tests":{"input":["1 2\n"],"output":["3\n"]},"private_tests":{"input":["4 5\n6 7\n"],"output":["9\n13\n"]}}"#
        let opinion = try await judge(row, "```\(tag)\n\(code)\n```")
        #expect(opinion.pass, "\(opinion)")
        #expect(opinion.score == 1)
    }

    @Test func aWrongOutputIsShown() async throws {
        let row = #"{"tests":[{"input":"1","output":"1"},{"input":"2","output":"4"},{"input":"3","output":"3"}]}"#
        let opinion = try await judge(row, "```python\nprint(input())\n```")
        #expect(!opinion.pass && opinion.score == 2.0 / 3)
        #expect(opinion.feedback == "Test 2 of 3 failed.\nInput:\n2\nExpected output:\n4\nOutput:\n2\n")
    }

    @Test func aProgramThatDoesNotCompileSaysWhy() async throws {
        guard ProgramLanguage.c.program != nil else { return }
        let opinion = try await judge(#"{"tests":[{"input":"","output":""}]}"#, "```c\nint main( {\n```")
        #expect(try Sandboxed.reason(opinion) == "compilation")
        #expect(opinion.feedback?.contains("error") == true)
    }

    @Test func anEndlessProgramIsEnded() async throws {
        let row = #"{"tests":[{"input":"","output":"x"},{"input":"","output":"x"},{"input":"","output":"x"}]}"#
        let opinion = try await judge(row, "```python\nwhile True: pass\n```", seconds: 1)
        #expect(try Sandboxed.reason(opinion) == "time")
        #expect(opinion.feedback?.contains("did not end within 1.0 s") == true)
    }

    @Test func anAnswerWithoutCodeFails() async throws {
        let opinion = try await judge(Self.addRow, "```haskell\nadd = (+)\n```")
        #expect(!opinion.pass)
        #expect(opinion.feedback == "The answer holds no code.")
    }

    @Test func aRowWithoutTestsIsTheVerifiersFailure() async {
        await #expect(throws: RetortError.self) { try await judge("{}", "x = 1") }
    }

    @Test func theSameProgramIsRunOnce() async throws {
        let verifier = TestsVerifier(workers: 1, seconds: .seconds(20), mode: .bubblewrap)
        let code = "```python\nimport time\ndef f(): raise ValueError(time.time_ns())\n```"
        let first = try await verifier.judge(Sandboxed.request(Sandboxed.callsF, code))
        #expect(try await verifier.judge(Sandboxed.request(Sandboxed.callsF, code, id: "b")) == first)
    }

    @Test func aTestThatFlipsIsFlagged() {
        func value(_ program: String, _ rest: String = "") -> [UInt8] {
            Array(#"{"program":"\#(program)"\#(rest)}"#.utf8)
        }
        func flagged(_ new: [UInt8], _ passes: Bool, _ old: [UInt8], _ passed: Bool) -> String {
            String(decoding: TestReport.flagged(new, passes: passes, before: old, passed: passed), as: UTF8.self)
        }
        let marked = #"{"program":"a","flipped":true}"#
        #expect(flagged(value("a"), true, value("a"), false) == marked)
        #expect(flagged(value("a"), true, Array(marked.utf8), true) == marked)
        #expect(flagged(value("a"), true, value("a"), true) == #"{"program":"a"}"#)
        #expect(flagged(value("a"), true, value("b"), false) == #"{"program":"a"}"#)
        #expect(flagged([], true, [], false) == "")
    }

    @Test func withoutWallsItRunsInAFolderThatIsGoneAfterwards() async throws {
        let code =
            "import os\nopen('left', 'w').close()\nos.mkdir('d')\ndef f(): return os.getcwd()[0] == '/' and os.listdir()"
        let opinion = try await Sandboxed.judge(code, mode: .none)
        #expect(opinion.pass, "\(opinion)")
    }
}
