import JSONText
import Testing

@testable import ModelSimulator

@Suite struct TextGeneratorTests {
    private let generator = TextGenerator(
        seed: 1, answerTokens: .lognormal(median: 132, sigma: 0.5), reasoningTokens: nil)

    private func text(_ body: String, choice: Int = 0) throws -> String {
        let generation = generator.generation(for: try completionRequest(body), topic: 0, choice: choice)
        return String(decoding: generation.content, as: UTF8.self)
    }

    @Test func theSameRequestGetsTheSameText() throws {
        let first = try text(chat("why is the sky blue"))
        #expect(try text(chat("why is the sky blue")) == first)
        #expect(try text(chat("why is the sky blue", #","temperature":1"#)) == first)
        #expect(try text(chat("why is the sea blue")) != first)
        #expect(try text(chat("why is the sky blue"), choice: 1) != first)
        #expect(try text(chat("why is the sky blue", #","seed":2"#)) != first)
        let other = TextGenerator(seed: 2, answerTokens: generator.answerTokens, reasoningTokens: nil)
        #expect(
            other.generation(for: try completionRequest(chat("why is the sky blue")), topic: 0, choice: 0).content
                != Array(first.utf8))
    }

    @Test func theTextQuotesThePromptAndVaries() throws {
        let text = try text(chat("thermodynamics entropy"))
        #expect(text.contains("thermodynamics") || text.contains("entropy"))
        let sentences = text.split(separator: ".").map { $0.drop { $0 == " " || $0 == "\n" } }
        #expect(Double(Set(sentences).count) > 0.8 * Double(sentences.count))
    }

    @Test func theMeanLengthIsTheOneAskedFor() throws {
        let tokens = try (0..<2000).map { index in
            let request = try completionRequest(chat("question number \(index) about thermodynamics"))
            return generator.generation(for: request, topic: 0, choice: 0).tokens
        }
        let mean = Double(tokens.reduce(0, +)) / Double(tokens.count)
        #expect(mean > 145 && mean < 170, "\(mean)")
    }

    @Test func wordsComeWholeAndUnescaped() {
        func words(_ raw: String) -> [String] {
            TextGenerator.words(of: Array(raw.utf8)[...]).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(words(#"The entropy\nof\tgases, \"naïve\" C3PO x"#) == ["entropy", "gases", "naïve"])
        #expect(words(#"\u00e9clair"#) == ["clair"])
        #expect(words("温度是什么 и энтропия") == ["温度是什么", "энтропия"])
        #expect(words("") == [])
        #expect(words(String(repeating: "x", count: 5000)) == [])
    }

    @Test func longPromptsAreCutBetweenCharacters() {
        let raw = String(repeating: "a ", count: 1020) + String(repeating: "é", count: 12)
        for word in TextGenerator.words(of: Array(raw.utf8)[...]) {
            #expect(String(validating: word, as: UTF8.self) != nil)
        }
    }

    @Test func limitsAndStopsCut() throws {
        let full = generator.generation(for: try completionRequest(chat("entropy")), topic: 0, choice: 0)
        #expect(full.finish == .stop)
        let cut = generator.generation(
            for: try completionRequest(chat("entropy", #","max_tokens":5"#)), topic: 0, choice: 0)
        #expect(cut.finish == .length)
        #expect(cut.content == Array(full.content.prefix(20)))
        #expect(cut.tokens == 5)
        let stopped = generator.generation(
            for: try completionRequest(chat("entropy", #","stop":[".","zzz"]"#)), topic: 0, choice: 0)
        #expect(stopped.finish == .stop)
        let text = String(decoding: full.content, as: UTF8.self)
        #expect(String(decoding: stopped.content, as: UTF8.self) == text.prefix { $0 != "." })
    }

    @Test func theLimitCoversReasoning() throws {
        let thinking = TextGenerator(seed: 1, answerTokens: .fixed(50), reasoningTokens: .fixed(50))
        let request = try completionRequest(chat("entropy", #","max_tokens":60"#))
        let generation = thinking.generation(for: request, topic: 0, choice: 0)
        #expect(generation.reasoningTokens >= 50)
        #expect(generation.tokens <= 60)
        let starved = thinking.generation(
            for: try completionRequest(chat("entropy", #","max_tokens":10"#)), topic: 0, choice: 0)
        #expect(starved.reasoningTokens == 10 && starved.content.isEmpty && starved.finish == .length)
    }

    @Test func cutsNeverSplitACharacter() {
        let bytes = Array("aé漢😀".utf8)
        for offset in 0...bytes.count + 2 {
            let end = bytes[...].characterBoundary(atMost: offset)
            #expect(end <= max(offset, 0) && String(validating: bytes[..<end], as: UTF8.self) != nil)
        }
    }
}
