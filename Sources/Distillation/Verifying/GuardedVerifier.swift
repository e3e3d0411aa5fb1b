package import Basics
package import Verifiers

/// A verifier whose output is cleaned of secrets: a program may print its environment, and its output is written to the
/// store and sent in the next request.
package struct GuardedVerifier: Verifier {
    package let inner: any Verifier
    package let secrets: Secrets

    package init(inner: any Verifier, secrets: Secrets) {
        self.inner = inner
        self.secrets = secrets
    }

    package var name: String { inner.name }

    package func check() async throws(RetortError) { try await inner.check() }

    package func close() async { await inner.close() }

    package func judge(_ request: VerifierRequest) async throws(RetortError) -> Opinion {
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
