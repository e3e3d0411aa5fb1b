import JSONText
import Testing

@testable import Verifiers

struct CodeTextTests {
    @Test func aTextWithoutFencesIsCode() {
        #expect(CodeText.find(in: "    return 1\n")?.code == "    return 1\n")
        #expect(CodeText.find(in: " \n ") == nil)
    }

    @Test(arguments: [
        ("Sure:\n```python\nx = 1\n```\nDone.", "x = 1\n", ProgramLanguage.python),
        ("```\nx = 1\n```", "x = 1\n", .python),
        ("```js\nlet x\n```", "let x\n", .javascript),
        ("~~~~py\n```\n~~~\n~~~~", "```\n~~~\n", .python),
        ("1. Do\n   ```python\n   if a:\n     b\n   ```", "if a:\n  b\n", .python),
        ("```python\nx = 1", "x = 1\n", .python),
        ("```python {linenos=true}\r\nx = 1\r\n```", "x = 1\n", .python),
        ("```python\nlong = 1\n```\n```python\ny\n```", "long = 1\n", .python),
        ("```python\na\n```\n```text\nlonger than it\n```", "a\n", .python),
        ("Use ```x``` there.\n```cpp\nint main() {}\n```", "int main() {}\n", .cpp),
    ])
    func blocksAreTakenOut(_ text: String, _ code: String, _ language: ProgramLanguage) {
        let found = CodeText.find(in: text)
        #expect(found?.code == code)
        #expect(found?.language == language)
    }

    @Test func textsWithoutRunnableBlocksHoldNoCode() {
        #expect(CodeText.find(in: "```haskell\nmain = 1\n```") == nil)
    }

    @Test func theBlockThatDefinesTheFunctionIsTakenBeforeALongerOne() {
        let text =
            "```python\ndef f(x):\n    return x\n```\nTry:\n```python\nprint(f(1))\nprint(f(2))  # and more of it\n```"
        #expect(CodeText.find(in: text, defining: "f")?.code == "def f(x):\n    return x\n")
        #expect(CodeText.find(in: text)?.code.hasPrefix("print") == true)
    }

    @Test(arguments: [
        ("def f(x): pass", true), ("async def f(): pass", true), ("class f:\n  pass", true), ("f = lambda: 1", true),
        ("def fun(): pass", false), ("  def f(): pass", false), ("f == 1", true), ("# def f()", false),
    ])
    func definitions(_ code: String, _ expected: Bool) { #expect(CodeText.defines(code, "f") == expected) }

    @Test(arguments: [
        ("1 2\n3", "1 2 3\n\n", true), ("1.0000001", "1.0", true), ("1.001", "1.0", false), ("10", "10.0", true),
        ("abc", "abd", false), ("", "", true), ("1", "", false), ("yes", "YES", false),
        ("100000000", "100000001", false), ("nan", "nan", true), ("1e-7", "0.0", true),
    ])
    func outputs(_ given: String, _ expected: String, _ isEqual: Bool) {
        #expect(OutputComparison.isEqual(Array(given.utf8), Array(expected.utf8)) == isEqual)
    }
}

struct RowTestsTests {
    private func tests(_ row: String) throws -> RowTests { try RowTests(row: Array(row.utf8), with: JSONParser()) }

    @Test func formsOfDatasets() throws {
        #expect(
            try tests(#"{"prompt":"def f():\n","test":"def check(c): c()","entry_point":"f","tests":[]}"#)
                == .statements(before: "def f():\n", tests: ["def check(c): c()\ncheck(f)"], name: "f"))
        #expect(
            try tests(
                #"{"metadata":{"test_list":["assert set(g(1)) == {1}","assert 1"],"test_setup_code":"import re"}}"#)
                == .statements(before: "import re\n", tests: ["assert set(g(1)) == {1}", "assert 1"], name: "g"))
        let runs = RowTests.runs([.init(input: "1\n", output: "2\n"), .init(input: "3", output: "4")])
        #expect(
            try tests(
                #"{"public_tests":{"input":["1\n"],"output":["2\n"]},"private_tests":{"input":["3"],"output":["4"]}}"#)
                == runs)
        #expect(try tests(#"{"tests":[{"input":"1\n","output":"2\n"},{"input":3,"output":4}]}"#) == runs)
        #expect(
            try tests(#"{"tests":"[{\"input\":\"1\\n\",\"output\":\"2\\n\"},{\"input\":[\"3\"],\"output\":\"4\"}]"}"#)
                == runs)
        #expect(try tests(#"{"input_output":"{\"inputs\":[\"1\\n\",\"3\"],\"outputs\":[\"2\\n\",\"4\"]}"}"#) == runs)
    }

    @Test(arguments: [
        "{}", "[]", #"{"tests":[]}"#, #"{"tests":{"input":["a"],"output":[]}}"#,
        #"{"test":"x","entry_point":"f; import os"}"#,
        #"{"test_list":[1]}"#, "null", "",
    ])
    func rowsWithoutTestsAreRefused(_ row: String) { #expect(throws: (any Error).self) { try tests(row) } }
}
