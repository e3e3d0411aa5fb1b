import Basics
import Verifiers

/// A verifier whose words are kept free of secrets: a program may print its environment, and what it says goes into the store
/// and into the next request.
struct GuardedVerifier: Verifier {
    let inner: any Verifier
    let secrets: Secrets

    var name: String { inner.name }

    func check() async throws(RetortError) { try await inner.check() }

    func close() async { await inner.close() }

    func judge(_ request: VerifierRequest) async throws(RetortError) -> Opinion {
        do throws(RetortError) {
            var opinion = try await inner.judge(request)
            opinion.feedback = opinion.feedback.map(secrets.blotted)
            if var value = opinion.value, secrets.blot(&value) { opinion.value = value }
            return opinion
        } catch {
            var error = error
            error.message = secrets.blotted(error.message)
            error.cause = error.cause.map(secrets.blotted)
            throw error
        }
    }
}
