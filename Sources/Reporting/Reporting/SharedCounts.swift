import Basics

/// Answers and their usage, of those that came together or of those that came alone.
package struct SharedCounts: Sendable, Hashable {
    package private(set) var answers = 0
    package private(set) var promptTokens = 0
    package private(set) var completionTokens = 0

    package mutating func add(_ prompt: Int, _ completion: Int) {
        answers += 1
        promptTokens = promptTokens.addingSaturated(prompt)
        completionTokens = completionTokens.addingSaturated(completion)
    }

    /// Average tokens of an answer, including its prompt's; 0 if there is none.
    package var tokensEach: Double {
        answers == 0 ? 0 : Double(promptTokens.addingSaturated(completionTokens)) / Double(answers)
    }
}
