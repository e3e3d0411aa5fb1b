import Basics
import JSONText
import Testing

@testable import ModelAPI

@Suite struct FillStageTests {
    private func fill(
        _ text: String, before: String = "", after: String = "", marks: [String] = []
    ) -> String {
        String(
            decoding: FillStage.filling(
                Array(text.utf8)[...], before: Array(before.utf8), after: Array(after.utf8), marks: marks),
            as: UTF8.self)
    }

    @Test func fencesEchoesAndMarksAreTakenOff() {
        #expect(fill("  return a + b\n") == "  return a + b\n")
        #expect(fill("```python\n  return a\n```\n") == "  return a")
        #expect(fill("```\na\n```\nand\n```\nb\n```") == "```\na\n```\nand\n```\nb\n```")
        #expect(fill("Use ```x``` here") == "Use ```x``` here")
        #expect(fill("def add(a, b):\n    return a", before: "def add(a, b):\n") == "    return a")
        #expect(fill("def add(a, b):\n    x = 1", before: "import os\n\ndef add(a, b):\n") == "    x = 1")
        #expect(fill("    return a\nprint(add(1, 2))\n", after: "print(add(1, 2))\n") == "    return a\n")
        #expect(fill("    return a\nprint(add(1, 2))", after: "\nprint(add(1, 2))\nexit()\n") == "    return a")
        #expect(fill("x<|endoftext|><|fim_pad|>", marks: ["<|endoftext|>", "<|fim_pad|>"]) == "x")
        // A brace on both sides is not an echo.
        #expect(fill("}\n", before: "}\n", after: "}\n") == "}\n")
        #expect(fill("", before: "abcdefgh", after: "abcdefgh") == "")
        #expect(fill("abcdefgh", before: "abcdefgh", after: "abcdefgh") == "")
    }

    private func judged(_ response: String, _ body: String, _ tokens: FIMTokens? = nil) throws -> ModelAnswer {
        var token: [UInt8] = []
        JSONString.append(response, to: &token)
        let answer = ModelAnswer(body: [], responseRaw: token[...])
        let asked = AskedRequest(ModelRequest(path: "/x", body: Array(body.utf8)))
        guard case .accept(let judged) = FillStage(tokens).judge(answer, of: asked, with: JSONParser()) else {
            throw RetortError(.badInput, "not accepted")
        }
        return judged
    }

    @Test func theSidesComeFromTheRequest() throws {
        let prompt = InfillPrompt.token(Array(#""int total = 0;\n""#.utf8)[...], Array(#""return total;\n""#.utf8)[...])
        let chat = #"{"messages":[{"role":"user","content":"# + String(decoding: prompt, as: UTF8.self) + "}]}"
        let answer = try judged("```c\nint total = 0;\ntotal += 1;\nreturn total;\n```", chat)
        #expect(String(decoding: answer.responseRaw, as: UTF8.self) == #""total += 1;\n""#)
        let completion = #"{"prompt":"int total = 0;\n","suffix":"return total;\n"}"#
        #expect(try judged("x = 1;\nreturn total;\n", completion).responseRaw.elementsEqual(#""x = 1;\n""#.utf8))
        // A text that needs no change keeps its escapes.
        let raw = Array(#""caf\u00e9""#.utf8)[...]
        let asked = AskedRequest(ModelRequest(path: "/x", body: Array(completion.utf8)))
        guard
            case .accept(let same) = FillStage(nil).judge(
                ModelAnswer(body: [], responseRaw: raw), of: asked, with: JSONParser())
        else { return }
        #expect(same.responseRaw == raw)
    }

    @Test func familiesAreFoundByTheModelsName() {
        func family(_ model: String) -> String? { FIMTokens.of(model: model)?.family }
        #expect(family("Qwen/Qwen2.5-Coder-7B") == "qwen")
        #expect(family("deepseek-ai/deepseek-coder-6.7b-base") == "deepseek")
        #expect(family("bigcode/starcoder2-15b") == "starcoder")
        #expect(family("codellama/CodeLlama-13b-hf") == "codellama")
        #expect(family("gpt-5") == nil)
        #expect(Set(FIMTokens.all.map(\.family)).count == FIMTokens.all.count)
        for tokens in FIMTokens.all { #expect(FIMTokens.of(family: tokens.family) == tokens) }
    }

    @Test func promptsAreSplicedInTheOrderOfTheFamily() throws {
        let before = Array(#""a\"b""#.utf8)[...]
        let after = Array(#""c\n""#.utf8)[...]
        func prompt(_ family: String) throws -> String? {
            let tokens = try #require(FIMTokens.of(family: family))
            let json = Array(tokens.prompt(before, after))
            return try JSONParser().parse(json).root.string
        }
        #expect(try prompt("qwen") == "<|fim_prefix|>a\"b<|fim_suffix|>c\n<|fim_middle|>")
        #expect(try prompt("codestral") == "[SUFFIX]c\n[PREFIX]a\"b")
        #expect(try prompt("codellama") == "<PRE> a\"b <SUF>c\n <MID>")
        #expect(try prompt("deepseek") == "<｜fim▁begin｜>a\"b<｜fim▁hole｜>c\n<｜fim▁end｜>")
    }
}
