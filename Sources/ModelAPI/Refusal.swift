public import Basics

/// A reply that refuses a request without showing whether the request itself or something that all requests share is at
/// fault. The results of other requests decide.
public struct Refusal: Sendable, Hashable {
    /// What may be wrong for every request.
    public enum Suspect: Sendable, Hashable, CaseIterable {
        /// The key is not known (401).
        case key
        /// The key lacks permission (403); firewalls answer like this to single prompts.
        case permission
        /// The model, or the deployment that serves it.
        case model
        /// The path, or a redirect away from it.
        case address
        /// The server's certificate.
        case certificate
        /// A parameter of the request.
        case request
        /// The length of the prompt plus the maximum answer.
        case length
        /// An answer with status 200 in an unknown form. It was paid for.
        case shape
    }

    public var suspect: Suspect
    /// The class of the item's failure if the item alone is at fault.
    public var failureClass: FailureClass
    /// The reply's message, on one line.
    public var message: String

    public init(_ suspect: Suspect, _ failureClass: FailureClass, _ message: String) {
        self.suspect = suspect
        self.failureClass = failureClass
        self.message = message
    }

    /// The error that ends a run whose requests are all refused like this.
    public var error: RetortError {
        switch suspect {
        case .key:
            RetortError(
                .refused, "the API rejected the key", cause: message,
                remedy: "Check the key in the environment and its permissions, then run the same command again.")
        case .permission:
            RetortError(
                .refused, "the API denies access", cause: message,
                remedy: "Check what the key may do, and whether a firewall blocks this machine; "
                    + "then run the same command again.")
        case .model:
            RetortError(
                .refused, "the API does not know the model", cause: message,
                remedy: "Check the model's name and whether the key may use it.")
        case .address:
            RetortError(
                .configuration, "no model API at this base URL", cause: message,
                remedy: "Check the base URL; base URLs usually end in /v1.")
        case .certificate:
            RetortError(
                .refused, "the server's certificate was not accepted", cause: message,
                remedy:
                    "Check the base URL, or name the authority's certificate in SSL_CERT_FILE (CURL_CA_BUNDLE comes first where it is set)."
            )
        case .request:
            RetortError(
                .configuration, "the API rejects the requests", cause: message,
                remedy: "Correct the options that the requests are made of, then run the command again; "
                    + "if only these rows are at fault, --refusals-max 0 records them as failed.")
        case .length:
            RetortError(
                .configuration, "every request is too long for the model", cause: message,
                remedy: "Lower --max-tokens or use a model with a larger context; then run the command again.")
        case .shape:
            RetortError(
                .configuration, "the server's answers have an unknown form", cause: message,
                remedy: "Check the base URL and --endpoint; `retort cat --failures` shows the answers.")
        }
    }
}
