internal import Basics
internal import JSONSchema

/// Passes an answer that a regular expression matches anywhere.
struct PatternGrader: Verifier {
    let name: String
    private let pattern: TextPattern

    /// Throws `.usage` for an invalid pattern.
    init(name: String, pattern: String) throws(RetortError) {
        self.name = name
        do throws(RetortError) {
            self.pattern = try TextPattern(pattern)
        } catch {
            throw RetortError(.usage, error.message, at: "--verifier", cause: error.cause)
        }
    }

    func judge(_ request: VerifierRequest) async throws(RetortError) -> Opinion {
        guard let isFound = pattern.isFound(in: request.text) else {
            throw RetortError(
                .incomplete, "the verifier '\(name)' failed", cause: "matching takes too many steps",
                remedy: "Write the pattern without nested repetitions.")
        }
        return Opinion(pass: isFound, score: isFound ? 1 : 0)
    }
}
