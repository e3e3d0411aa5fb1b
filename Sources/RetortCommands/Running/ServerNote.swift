import Basics
import SegmentStore

/// Where a store's answers came from, as its manifest keeps it beside the job: so that a retry needs no more than the
/// store. Never with credentials.
enum ServerNote {
    static let name = "base_url"

    /// The one parameter without which an address leads elsewhere.
    private static let keptParameter = "api-version"

    /// A URL without user, password and fragment, and with no parameter but `api-version`.
    static func withoutSecrets(_ url: String) -> String {
        var kept = url.prefix { $0 != "?" && $0 != "#" }
        let version = ServerAddress(url).parameters.first { $0.name == keptParameter }
        let query = version.map { "?\($0.name)=\($0.value)" } ?? ""
        guard let scheme = kept.firstRange(of: "://") else { return String(kept) + query }
        let authority = kept[scheme.upperBound...].prefix { $0 != "/" }
        if let at = authority.lastIndex(of: "@") { kept.removeSubrange(scheme.upperBound...at) }
        return String(kept) + query
    }

    static func url(in manifest: StoreManifest) -> String? { manifest.notes?[name] }

    /// Notes where this run sends its requests; nothing for the built-in server.
    static func write(_ settings: RunSettings, to store: RecordStore, replacing: Bool) throws(RetortError) {
        guard settings.simulator == nil, !settings.baseURL.isEmpty else { return }
        guard replacing || url(in: store.manifest) == nil else { return }
        let several = settings.servers.count > 1 ? settings.servers.map(\.text.described).joined(separator: " ") : nil
        try store.note(name, several ?? withoutSecrets(settings.baseURL))
    }
}
