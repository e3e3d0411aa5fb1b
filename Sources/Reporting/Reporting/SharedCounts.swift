import Basics

/// Answers and what they have used, of those that came together or of those that came alone.
package struct SharedCounts: Sendable, Hashable {
    package private(set) var answers = 0
    package private(set) var promptTokens = 0
    package private(set) var completionTokens = 0

    package mutating func add(_ prompt: Int, _ completion: Int) {
        answers += 1
        promptTokens = promptTokens.addingSaturated(prompt)
        completionTokens = completionTokens.addingSaturated(completion)
    }

    /// Tokens of one answer on average, those of its prompt included; 0 where there is none.
    package var tokensEach: Double {
        answers == 0 ? 0 : Double(promptTokens.addingSaturated(completionTokens)) / Double(answers)
    }
}
