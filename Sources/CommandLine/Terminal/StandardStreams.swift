internal import Glibc

/// The standard streams, and the conventions of a program in a pipeline.
public enum StandardStreams {
    /// Makes a write to a closed pipe return an error instead of raising a fatal signal. Call it first in `main`.
    public static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

    /// Runs the program's body and returns the exit status. An error is reported on `messages`; a broken pipe ends
    /// quietly with 0.
    public static func run(
        _ name: String, messages: MessageStream, _ body: () async throws -> ExitCode
    ) async -> ExitCode {
        do {
            return try await body()
        } catch {
            messages.report(error, from: name)
            return ExitCode(error)
        }
    }
}
