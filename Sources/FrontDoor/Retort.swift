public import Basics
internal import ModelAPI

/// Sends many prompts to a model at once: lists in, lists out.
///
/// ```swift
/// let answers = try await Retort.answers(to: prompts, model: "qwen3-8b", baseURL: "http://127.0.0.1:8000/v1")
/// for answer in answers { print(answer.text) }
/// ```
///
/// Failed requests are retried, rate limits are respected, and `answers[i]` always belongs to `prompts[i]`. An answer
/// that could not be obtained has a `failure`. The API key comes from the environment, as for `retort run`, or from the
/// options.
///
/// These functions keep nothing on disk. For expensive work, `run` fills a store and can be resumed. All functions may
/// be called from any task or thread.
public enum Retort {
    /// The error that every function here throws: a code, what is wrong, where, why, and what to do next.
    public typealias Failure = RetortError

    /// One answer per prompt, in the order of the prompts.
    ///
    /// Throws `.configuration` for invalid options, `.refused` if the server rejects every request (wrong key, unknown
    /// model), `.incomplete` if it cannot be reached. A single prompt that fails throws nothing.
    public static func answers(
        to prompts: [String], model: String, baseURL: String, options: Options = Options()
    ) async throws(RetortError) -> [Answer] {
        try await answers(to: prompts, samples: 1, model: model, baseURL: baseURL, options: options).map { $0[0] }
    }

    /// `samples` answers per prompt, each from its own request.
    ///
    /// - Precondition: `samples` is at least 1.
    public static func answers(
        to prompts: [String], samples: Int, model: String, baseURL: String, options: Options = Options()
    ) async throws(RetortError) -> [[Answer]] {
        let questions = prompts.map { RequestInput.prompt(JSONToken.string($0)) }
        return try await Asking(model, baseURL, .chat, options).lists(questions, samples: samples)
    }

    /// One answer per conversation.
    public static func answers(
        toChats chats: [[Message]], model: String, baseURL: String, options: Options = Options()
    ) async throws(RetortError) -> [Answer] {
        let questions = chats.map { RequestInput.messages(Message.json($0)) }
        return try await Asking(model, baseURL, .chat, options).lists(questions, samples: 1).map { $0[0] }
    }

    /// The model's continuation of each text (`/completions`).
    public static func completions(
        of texts: [String], model: String, baseURL: String, options: Options = Options()
    ) async throws(RetortError) -> [Answer] {
        let questions = texts.map { RequestInput.prompt(JSONToken.string($0)) }
        return try await Asking(model, baseURL, .completions, options).lists(questions, samples: 1).map { $0[0] }
    }

    /// The text between the two parts of each pair (`/completions` with `suffix`).
    public static func infills(
        between pairs: [(prefix: String, suffix: String)], model: String, baseURL: String,
        options: Options = Options()
    ) async throws(RetortError) -> [Answer] {
        let questions = pairs.map {
            RequestInput.infill(prefix: JSONToken.string($0.prefix), suffix: JSONToken.string($0.suffix))
        }
        return try await Asking(model, baseURL, .completions, options).lists(questions, samples: 1).map { $0[0] }
    }

    /// Answers as they arrive, each with the index of its prompt. The stream ends with an error where `answers` would
    /// throw it. Ending the iteration cancels the remaining requests.
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

    /// `answers` for scripts without `async`: blocks the calling thread. Do not call it in a task.
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
