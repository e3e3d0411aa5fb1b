package import JSONText
package import ModelAPI
import PromptSource

/// How a store's rows are named and compared, as its job states. A store keeps the scheme that it was begun with: under
/// another one, stored answers would not be found.
package enum RowScheme: Sendable {
    /// By the bytes of requests. Parameters of a row are not sent.
    case bytes
    /// By the values of requests: escapes, white space, member order and number spellings are ignored. Parameters of a
    /// row are sent.
    case values

    /// The job's member, and its value in new stores.
    package static let name = "row_identity"
    package static let current = "values"

    package init(_ job: [String: String]) { self = job[Self.name] == Self.current ? .values : .bytes }

    package func fingerprint(_ request: ModelRequest, _ builder: RequestBuilder, with parser: JSONParser) -> UInt64 {
        switch self {
        case .bytes: RequestBuilder.fingerprintOfBytes(request)
        case .values: builder.fingerprint(request, with: parser)
        }
    }

    /// Whether a stored fingerprint, truncated as in the index, is the request's. `fingerprint` is the request's own.
    package func matches(
        _ stored: UInt32, _ fingerprint: UInt64, _ request: ModelRequest, _ builder: RequestBuilder,
        with parser: JSONParser
    ) -> Bool {
        stored == UInt32(truncatingIfNeeded: fingerprint)
            || self == .values && builder.isEarlierFingerprint(stored, of: request, with: parser)
    }
}
