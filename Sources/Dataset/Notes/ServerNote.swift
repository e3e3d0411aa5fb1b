import Basics
package import SegmentStore

/// Where a store's answers came from, as its manifest keeps it beside the job: so that a retry needs no more than the
/// store. Never with credentials.
package enum ServerNote {
    package static let name = "base_url"

    /// The one parameter without which an address leads elsewhere.
    private static let keptParameter = "api-version"

    /// A URL without user, password and fragment, and with no parameter but `api-version`.
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
