public import Basics
internal import RetortCommands

extension Retort {
    /// The progress of a run into a store, or its result.
    public struct Standing: Sendable, Hashable {
        /// Items of the input; nil until they are counted.
        public var total: Int?
        /// Items with an answer, including earlier runs, and failed items.
        public var answered: Int
        public var failed: Int
        /// Dollars that all requests for the store have cost, where prices are known.
        public var costUSD: Double?

        public init(total: Int?, answered: Int, failed: Int, costUSD: Double?) {
            self.total = total
            self.answered = answered
            self.failed = failed
            self.costUSD = costUSD
        }
    }

    /// Fills a store as `retort run` does, or resumes it: items that already have an answer are not sent again, however
    /// the earlier run ended.
    ///
    /// - Parameters:
    ///   - files: prompts as `retort run` takes them: JSONL, CSV, text, a job file.
    ///   - directory: the store.
    ///   - arguments: further options of `retort run`, as on its command line: `["--max-tokens", "300", "-c", "256"]`.
    ///   - onProgress: called about once per second, and at the end, from a thread of the run.
    ///
    /// Throws the error that ends the run before all items have an outcome; call it again to resume. Failed items throw
    /// nothing.
    @discardableResult
    public static func run(
        _ files: [String], into directory: String, model: String, baseURL: String, arguments: [String] = [],
        onProgress: @escaping @Sendable (Standing) -> Void = { _ in }
    ) async throws(RetortError) -> Standing {
        let line = files + ["--out", directory, "--model", model, "--base-url", baseURL] + arguments
        let end = try await LibraryRun.run(line) { onProgress(Standing($0)) }
        return Standing(end)
    }
}

extension Retort.Standing {
    init(_ standing: LibraryRun.Standing) {
        self.init(
            total: standing.total, answered: standing.answered, failed: standing.failed, costUSD: standing.costUSD)
    }
}
