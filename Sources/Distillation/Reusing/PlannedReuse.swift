package import Basics
import Glibc
package import ResponseGenerator
import SegmentStore

/// Tells a plan which items would take the answer of an equal request. One thread.
package final class PlannedReuse {
    private let library: AnswerLibrary
    /// Fingerprints seen so far.
    private let met: FingerprintTable

    /// Nil if each request is sent.
    package init?(_ settings: RunSettings, hasStore: Bool) throws(RetortError) {
        guard let reuse = settings.reuse else { return nil }
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        library = try AnswerLibrary(
            reuse, own: hasStore ? settings.out : nil, job: JobDescription(settings),
            classifier: settings.generator.classifier, folder: folder)
        met = try FingerprintTable(in: folder)
    }

    deinit { library.stop() }

    package func serves(_ key: ReuseKey?) throws(RetortError) -> Bool {
        guard let key else { return false }
        if library.mayKnow(key) { return true }
        // Samples of one request are meant to differ.
        let short = UInt32(truncatingIfNeeded: key.fingerprint &+ UInt64(key.sample) &* 0x9E37_79B9_7F4A_7C15)
        if met.contains(short) { return true }
        try met.insert(short, Hash128(high: key.fingerprint, low: UInt64(key.sample)))
        return false
    }
}
