import Basics
import JSONText

/// The text of one choice of one request.
struct Generation {
    enum FinishReason: String {
        case stop
        case length
        case contentFilter = "content_filter"
    }

    var content: [UInt8] = []
    var reasoning: [UInt8] = []
    var finish: FinishReason = .stop

    var contentTokens: Int { TokenCount.tokens(ofBytes: content.count) }
    var reasoningTokens: Int { TokenCount.tokens(ofBytes: reasoning.count) }
    var tokens: Int { contentTokens + reasoningTokens }
}

/// Writes answers: prose that quotes the prompt, or JSON if JSON is requested. The same seed and request give the same
/// text.
struct TextGenerator {
    let seed: UInt64
    let answerTokens: Distribution
    let reasoningTokens: Distribution?
    var jsonFaults = JSONFaultPlan()

    /// The maximum length of a text, whatever the distribution draws.
    static let tokensMax = 1 << 20
    private static let wordsMax = 12
    private static let wordBytes = 4...24
    /// How many bytes of a prompt are searched for words.
    private static let topicBytesMax = 2048
    private static let paragraphSentences = 5

    /// - Parameter attempt: the item's attempt, from 1. The fault of an answer depends on it, and for sampled requests
    ///   also the answer.
    func generation(for request: CompletionRequest, topic: Int, choice: Int, attempt: Int = 1) -> Generation {
        let sample = request.isSampled ? UInt64(attempt - 1) << 32 : 0
        var random = SplitMix64(
            seed: seed ^ request.sampleSeed ^ sample, request.item, UInt64(topic << 16 | choice), for: .text)
        let words = Self.words(of: request.topics[topic])
        var generation = Generation()
        if let reasoningTokens {
            generation.reasoning = prose(reasoningTokens.sample(&random), quoting: words, &random)
        }
        let wish = request.isJSON ? nil : ArrayWish(request.topics[topic])
        switch request.form.format {
        case .text where wish != nil:
            generation.content =
                wish?.text({ self.prose(min(40, answerTokens.sample(&$0)), quoting: words, &$0) }, &random) ?? []
        case .text: generation.content = prose(answerTokens.sample(&random), quoting: words, &random)
        case .jsonObject: generation.content = object(quoting: words, &random)
        case .jsonSchema(let schema):
            generation.content =
                schema.map { SchemaInstance(root: $0, words: words).text(&random) } ?? object(quoting: words, &random)
        }
        let draw = attempt + choice << 32
        if let fault = request.isJSON || wish != nil
            ? jsonFaults.fault(item: request.item, attempt: draw, seed: seed) : nil
        {
            generation.content = fault.applied(to: generation.content, with: JSONParser())
        }
        generation.stop(at: request.stops)
        if let limit = request.tokensMax { generation.cut(toTokens: limit) }
        return generation
    }

    /// Whole sentences until the length is reached: the text exceeds it by less than one sentence.
    private func prose(_ tokens: Double, quoting words: [ArraySlice<UInt8>], _ random: inout SplitMix64) -> [UInt8] {
        let length = Int(min(tokens, Double(Self.tokensMax))) * TokenCount.bytesPerToken
        var text: [UInt8] = []
        text.reserveCapacity(length + 256)
        var sentence = 0
        repeat {
            if sentence > 0 {
                let breaks = sentence % Self.paragraphSentences == 0
                if breaks { text.append(text: "\n\n") } else { text.append(UInt8(ascii: " ")) }
            }
            Grammar.prose.appendSentence(quoting: words, &random, to: &text)
            sentence += 1
        } while text.count < length
        return text
    }

    private func object(quoting words: [ArraySlice<UInt8>], _ random: inout SplitMix64) -> [UInt8] {
        var output: [UInt8] = []
        output.append(text: #"{"summary":"#)
        JSONString.append(prose(answerTokens.sample(&random), quoting: words, &random), to: &output)
        output.append(text: #","keywords":["#)
        for index in 0..<3 {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            var word: [UInt8] = []
            Grammar.prose.appendWord(words, &random, to: &word)
            JSONString.append(word, to: &output)
        }
        output.append(text: #"],"score":"#)
        output.append(decimal: 1 + random.below(10))
        output.append(text: "}")
        return output
    }

    /// Words of the prompt that can be quoted unescaped: runs of letters and of characters beyond ASCII. `topic` is a
    /// raw JSON string; the letter after a backslash is not part of a word.
    static func words(of topic: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var words: [ArraySlice<UInt8>] = []
        let scanned = topic.prefix(topicBytesMax)
        var start = scanned.startIndex
        var at = start
        while at <= scanned.endIndex, words.count < wordsMax {
            if at < scanned.endIndex, isWordByte(scanned[at]) {
                at += 1
                continue
            }
            if wordBytes.contains(at - start) { words.append(scanned[start..<at]) }
            at += at < scanned.endIndex && scanned[at] == UInt8(ascii: "\\") ? 2 : 1
            start = at
        }
        // A run truncated by the limit may end within a character.
        if topic.count > scanned.count, words.last?.endIndex == scanned.endIndex { words.removeLast() }
        return words
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x41...0x5A, 0x61...0x7A, 0x80...: true
        default: false
        }
    }
}

extension Generation {
    /// Truncates the content before the first of the stop strings.
    mutating func stop(at stops: [[UInt8]]) {
        let ends = stops.compactMap { content.firstOccurrence(of: $0) }
        if let end = ends.min() { content.removeSubrange(end...) }
    }

    /// Truncates reasoning and content after this many tokens in total.
    mutating func cut(toTokens limit: Int) {
        guard tokens > limit else { return }
        let bytes = limit * TokenCount.bytesPerToken
        reasoning = Array(reasoning[..<reasoning[...].characterBoundary(atMost: bytes)])
        let left = (limit - reasoningTokens) * TokenCount.bytesPerToken
        content = Array(content[..<content[...].characterBoundary(atMost: left)])
        finish = .length
    }
}

extension [UInt8] {
    fileprivate func firstOccurrence(of pattern: [UInt8]) -> Int? {
        guard pattern.count <= count else { return nil }
        return (0...count - pattern.count).first { start in
            self[start] == pattern[0] && self[start..<start + pattern.count].elementsEqual(pattern)
        }
    }
}
