public import Basics
internal import ModelAPI

/// Asks a model many things at once: lists in, lists out.
///
/// ```swift
/// let answers = try await Retort.answers(to: prompts, model: "qwen3-8b", baseURL: "http://127.0.0.1:8000/v1")
/// for answer in answers { print(answer.text) }
/// ```
///
/// Requests that fail are sent again, rates are kept to, and no order of arrival shows: `answers[i]` belongs to `prompts[i]`.
/// What cannot be answered has a `failure` in its place. The key is read from the environment, as `retort run` reads it, or
/// given in the options.
///
/// Nothing is kept on disk by these functions: for work that costs much, `run` fills a store, which resumes. Everything may be
/// called from any task or thread.
public enum Retort {
    /// What every function here throws: a code, what is wrong, where, why, and what to do next.
    public typealias Failure = RetortError

    /// An answer to each prompt, in the order of the prompts.
    ///
    /// Throws `.configuration` for options that cannot be, `.refused` when the server refuses whatever is asked (a wrong key,
    /// no such model), `.incomplete` when it cannot be reached. A prompt that alone cannot be answered throws nothing.
    public static func answers(
        to prompts: [String], model: String, baseURL: String, options: Options = Options()
    ) async throws(RetortError) -> [Answer] {
        try await answers(to: prompts, samples: 1, model: model, baseURL: baseURL, options: options).map { $0[0] }
    }

    /// So many answers to each prompt, each by a request of its own.
    ///
    /// - Precondition: `samples` is at least 1.
    public static func answers(
        to prompts: [String], samples: Int, model: String, baseURL: String, options: Options = Options()
    ) async throws(RetortError) -> [[Answer]] {
        let questions = prompts.map { RequestInput.prompt(JSONToken.string($0)) }
        return try await Asking(model, baseURL, .chat, options).lists(questions, samples: samples)
    }

    /// An answer to each conversation.
    public static func answers(
        toChats chats: [[Message]], model: String, baseURL: String, options: Options = Options()
    ) async throws(RetortError) -> [Answer] {
        let questions = chats.map { RequestInput.messages(Message.json($0)) }
        return try await Asking(model, baseURL, .chat, options).lists(questions, samples: 1).map { $0[0] }
    }

    /// What the model writes on after each text (`/completions`).
    public static func completions(
        of texts: [String], model: String, baseURL: String, options: Options = Options()
    ) async throws(RetortError) -> [Answer] {
        let questions = texts.map { RequestInput.prompt(JSONToken.string($0)) }
        return try await Asking(model, baseURL, .completions, options).lists(questions, samples: 1).map { $0[0] }
    }

    /// What belongs between the two texts of each pair (`/completions` with `suffix`).
    public static func infills(
        between pairs: [(prefix: String, suffix: String)], model: String, baseURL: String,
        options: Options = Options()
    ) async throws(RetortError) -> [Answer] {
        let questions = pairs.map {
            RequestInput.infill(prefix: JSONToken.string($0.prefix), suffix: JSONToken.string($0.suffix))
        }
        return try await Asking(model, baseURL, .completions, options).lists(questions, samples: 1).map { $0[0] }
    }

    /// Answers as they come, each with the place of its prompt. The stream ends with an error where `answers` would throw it;
    /// whoever stops reading stops the requests.
    public static func stream(
        _ prompts: [String], samples: Int = 1, model: String, baseURL: String, options: Options = Options()
    ) -> AsyncThrowingStream<Arrival, any Error> {
        AsyncThrowingStream { continuation in
            let task = Task {
                do {
                    let questions = prompts.map { RequestInput.prompt(JSONToken.string($0)) }
                    try await Asking(model, baseURL, .chat, options).ask(questions, samples: samples) {
                        continuation.yield($0)
                    }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    /// `answers` for scripts without `async`: waits on this thread. Not for use in a task, whose thread it would keep.
    public static func answersBlocking(
        to prompts: [String], model: String, baseURL: String, options: Options = Options()
    ) throws(RetortError) -> [Answer] {
        let result = Monitor<Result<[Answer], RetortError>?>(nil)
        Task {
            let answered: Result<[Answer], RetortError>
            do throws(RetortError) {
                answered = .success(try await answers(to: prompts, model: model, baseURL: baseURL, options: options))
            } catch {
                answered = .failure(error)
            }
            result.update { $0 = answered }
        }
        return try result.wait { $0 }.get()
    }
}
