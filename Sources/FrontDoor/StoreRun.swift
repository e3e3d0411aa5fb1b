public import Basics
internal import RetortCommands

extension Retort {
    /// How far a run into a store is, or how it ended.
    public struct Standing: Sendable, Hashable {
        /// Items of the input; nil until they are counted.
        public var total: Int?
        /// Items with an answer, earlier runs included, and items that have failed.
        public var answered: Int
        public var failed: Int
        /// Dollars that all requests for the store have cost, as far as prices are known.
        public var costUSD: Double?

        public init(total: Int?, answered: Int, failed: Int, costUSD: Double?) {
            self.total = total
            self.answered = answered
            self.failed = failed
            self.costUSD = costUSD
        }
    }

    /// Fills a store as `retort run` does, and goes on where an earlier run has stopped: what has its answer is not asked
    /// again, whatever ended that run.
    ///
    /// - Parameters:
    ///   - files: prompts as `retort run` takes them: JSONL, CSV, text, a job file.
    ///   - directory: the store.
    ///   - arguments: further options of `retort run`, as on its command line: `["--max-tokens", "300", "-c", "256"]`.
    ///   - onProgress: told about once a second, and at the end, from a thread of the run.
    ///
    /// Throws what ends the run before all items have an outcome; the same call goes on from there. Failed items throw nothing.
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
