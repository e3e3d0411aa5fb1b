public import Basics

/// Says whether an answer is right: a program of the user's, tests that are run, or a comparison.
public protocol Verifier: Sendable {
    /// What its verdicts are stored under.
    var name: String { get }

    /// Finds out whether it can work here. Throws `.configuration` where it cannot.
    func check() async throws(RetortError)

    /// Judges one answer. An error is the verifier's failure and says nothing of the answer, which can be judged later.
    func judge(_ request: VerifierRequest) async throws(RetortError) -> Opinion

    /// Ends what it has started. Requests that are being judged fail.
    func close() async
}

extension Verifier {
    public func check() async throws(RetortError) {}
    public func close() async {}
}
