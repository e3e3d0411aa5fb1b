import Basics
package import SegmentStore

/// The server that a store's answers came from, noted in the manifest beside the job, so that a retry needs nothing but
/// the store. Never contains credentials.
package enum ServerNote {
    package static let name = "base_url"

    /// The one query parameter that is part of the address.
    private static let keptParameter = "api-version"

    /// The URL without user, password and fragment, and with no parameter except `api-version`.
    package static func withoutSecrets(_ url: String) -> String {
        var kept = url.prefix { $0 != "?" && $0 != "#" }
        let version = ServerAddress(url).parameters.first { $0.name == keptParameter }
        let query = version.map { "?\($0.name)=\($0.value)" } ?? ""
        guard let scheme = kept.firstRange(of: "://") else { return String(kept) + query }
        let authority = kept[scheme.upperBound...].prefix { $0 != "/" }
        if let at = authority.lastIndex(of: "@") { kept.removeSubrange(scheme.upperBound...at) }
        return String(kept) + query
    }

    package static func url(in manifest: StoreManifest) -> String? { manifest.notes?[name] }
}
