public import Basics

/// Judges whether an answer is right: a program of the user's, tests that are run, or a comparison.
public protocol Verifier: Sendable {
    /// The name under which its verdicts are stored.
    var name: String { get }

    /// Checks whether the verifier can work on this machine. Throws `.configuration` if it cannot.
    func check() async throws(RetortError)

    /// Judges one answer. An error is a failure of the verifier, not a verdict; the answer can be judged later.
    func judge(_ request: VerifierRequest) async throws(RetortError) -> Opinion

    /// Ends the processes that it has started. Requests in progress fail.
    func close() async
}

extension Verifier {
    public func check() async throws(RetortError) {}
    public func close() async {}
}
