package import Basics
import Dataset
package import JSONSchema
package import JSONText
package import ModelAPI

/// Finds the JSON value in an answer's text and checks it against a schema, if there is one. The value is recorded in
/// addition to the model's text.
package final class ValueStage: AnswerStage {
    /// Nil: any JSON value will do.
    private let schema: JSONSchema?
    /// Maximum corrections: the conversation is sent again with a description of the problem.
    private let correctionsMax: Int
    /// Whether a value that is almost JSON is repaired.
    private let repairs: Bool
    private let idle = Locked<[Checker]>([])

    /// Maximum bytes of an answer's text that are searched for a value.
    package static let textBytesMax = 64 << 20

    /// The working state of one thread.
    private final class Checker: @unchecked Sendable {
        // Unchecked: it is removed from the list while in use.
        let search = JSONSearch()
        let validator: SchemaValidator?

        init(_ schema: JSONSchema?) { validator = schema.map(SchemaValidator.init) }
    }

    package init(_ schema: JSONSchema?, correctionsMax: Int = 0, repairs: Bool = false) {
        self.schema = schema
        self.repairs = repairs
        self.correctionsMax = correctionsMax
    }

    package func judge(_ answer: ModelAnswer, of asked: AskedRequest, with parser: JSONParser) -> StageVerdict {
        let text = answer.answerText(with: parser)
        do throws(RetortError) {
            let value = try value(in: text, finish: answer.finishReason)
            return .accept(answer.with(value: value.value.raw, found: value.layer.rawValue))
        } catch {
            let next =
                asked.corrections < correctionsMax ? correction(of: answer, text, error, asked.request, parser) : nil
            return next.map { .ask($0, .invalidOutput, message: error.description) }
                ?? .reject(.invalidOutput, message: error.description)
        }
    }

    /// The next request; nil if there is no conversation to continue.
    private func correction(
        of answer: ModelAnswer, _ said: [UInt8], _ error: RetortError, _ request: ModelRequest, _ parser: JSONParser
    ) -> ModelRequest? {
        // A tool call's arguments are continued as if the model had written them as text.
        var response: [UInt8] = []
        JSONString.append(said, to: &response)
        let answer = answer.with(response: response[...])
        var text = "\(error.message.prefix(1).uppercased())\(error.message.dropFirst())"
        if let cause = error.cause { text += ": \(cause)" }
        text += ". Answer again with the corrected JSON value alone, without any text around it."
        return NextTurn.request(after: answer, of: request, saying: Array(text.utf8), with: parser)
    }

    /// Finish reasons of an answer that the model ended itself.
    private static let completeFinishes: Set<String> = ["stop", "tool_calls", "function_call"]

    /// The value in the text of an answer with this finish reason. Throws `.badInput` with the problem.
    package func value(in text: [UInt8], finish: String) throws(RetortError) -> JSONSearch.Found {
        guard text.count <= Self.textBytesMax else {
            throw RetortError(
                .badInput, "the answer is longer than \(Self.textBytesMax >> 20) MiB: no value is looked for")
        }
        let checker = idle.withLock { $0.popLast() } ?? Checker(schema)
        defer { idle.withLock { $0.append(checker) } }
        var excess: RetortError?
        let result = checker.search.find(
            in: text, repairs: repairs, isComplete: Self.completeFinishes.contains(finish)
        ) { value in
            do throws(RetortError) {
                return try checker.validator?.isValid(value) ?? true
            } catch {
                excess = error
                return true
            }
        }
        if let excess { throw excess }
        guard let result else { throw RetortError(.badInput, ValueCounts.noValue) }
        if result.accepted { return result.found }
        let failures = try checker.validator?.failures(of: result.found.value) ?? []
        throw RetortError(
            .badInput, ValueCounts.unfit, cause: Self.sentence(failures))
    }

    /// Maximum problems in a message.
    private static let failuresShownMax = 3

    private static func sentence(_ failures: [SchemaFailure]) -> String {
        let shown = failures.prefix(failuresShownMax).map(\.description).joined(separator: "; ")
        return failures.count > failuresShownMax ? shown + "; and more" : shown
    }
}
