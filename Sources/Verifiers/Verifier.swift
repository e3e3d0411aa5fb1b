public import Basics

/// Says whether an answer is right: a program of the user's, tests that are run, or a comparison.
public protocol Verifier: Sendable {
    /// What its verdicts are stored under.
    var name: String { get }

    /// Judges one answer. An error is the verifier's failure and says nothing of the answer, which can be judged later.
    func judge(_ request: VerifierRequest) async throws(RetortError) -> Opinion

    /// Ends what it has started. Requests that are being judged fail.
    func close() async
}

extension Verifier {
    public func close() async {}
}
