package import JSONText
package import ModelAPI
import PromptSource

/// How the rows of a store are named and compared, as its job says. A store keeps the scheme that it was begun with:
/// under another one nothing that was answered would be found again.
package enum RowScheme: Sendable {
    /// By the bytes of requests. A row's own parameters are not sent.
    case bytes
    /// By the values of requests: escapes, white space, the order of members and spellings of numbers do not count. A
    /// row's own parameters are sent.
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

    /// Whether a stored fingerprint, cut as the index has it, is the request's. `fingerprint` is what the request has.
    package func matches(
        _ stored: UInt32, _ fingerprint: UInt64, _ request: ModelRequest, _ builder: RequestBuilder,
        with parser: JSONParser
    ) -> Bool {
        stored == UInt32(truncatingIfNeeded: fingerprint)
            || self == .values && builder.isEarlierFingerprint(stored, of: request, with: parser)
    }
}
