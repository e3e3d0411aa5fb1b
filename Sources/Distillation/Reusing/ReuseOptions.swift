package import Basics
package import CommandLine
package import JSONText
package import ModelAPI
package import ResponseGenerator
import SegmentStore

/// `--reuse` and `--reuse-from`: equal requests are sent once.
package struct ReuseOptions: Sendable {
    package var policy: ReusePolicy
    /// Other stores whose answers may be reused.
    package var stores: [String]

    private static let group = "Equal requests"
    /// Maximum stores that can be named.
    package static let storesMax = 64

    package static let options: [OptionSpec] = [
        OptionSpec(
            "reuse", kind: .choice(ReusePolicy.allCases.map(\.rawValue)),
            summary: "send equal requests once: every row has its own record, marked as reused, at no cost",
            details: """
                Rows with equal requests wait for the first of them, or take its answer from the store. Requests are \
                compared by their values: white space and the order of members do not count. auto sends each request \
                if the temperature is above 0, since equal requests are meant to differ then; always reuses answers \
                then, too. Samples of a row are never equal.
                """, group: group, default: ReusePolicy.never.rawValue),
        OptionSpec(
            "reuse-from", kind: .repeated(.path), valueName: "STORE",
            summary: "take answers to equal requests from another store too, which is only read; implies --reuse auto",
            group: group),
    ]

    /// Nil if each request is sent.
    package init?(_ command: ParsedCommand) throws(RetortError) {
        stores = command.strings("reuse-from")
        policy = command.choice("reuse")
        if !stores.isEmpty, policy == .never {
            guard !command.isGiven("reuse") else {
                throw RetortError(
                    .configuration, "--reuse never and --reuse-from do not go together",
                    remedy: "Leave one of the two out.")
            }
            policy = .auto
        }
        guard policy != .never else { return nil }
        if let route = BatchOptions.batchRoute(command) {
            throw RetortError(
                .configuration, "--reuse is for live requests, not for --via \(route)",
                remedy: "Leave one of the two out."
            )
        }
        guard stores.count <= Self.storesMax else {
            throw RetortError(
                .configuration, "--reuse-from names \(stores.count) stores, more than \(Self.storesMax)",
                remedy: "`retort merge` makes one store of several.")
        }
    }

    /// A note at the start; nil: none.
    package func remark(temperature: Double?) -> String? {
        guard policy == .auto, let temperature, temperature > 0 else { return nil }
        return "nothing is reused: at temperature \(temperature) equal requests are meant to differ "
            + "(--reuse always reuses them all the same)"
    }

    /// The key under which a request's answer may be reused; nil if it is always sent.
    package func key(
        _ request: ModelRequest, fingerprint: UInt64, sample: UInt32, with parser: JSONParser
    ) -> ReuseKey? {
        if policy == .auto {
            let root = try? parser.parse(request.body).root
            guard policy.applies(temperature: root?["temperature"]?.double) else { return nil }
        }
        // One body may be sent to several paths.
        let path = Array(request.path.utf8).withUnsafeBytes { ContentHash.hash64($0) }
        return ReuseKey(fingerprint: fingerprint, path: path, sample: sample)
    }

    /// A line of the summary.
    package static func fact(_ progress: Progress) -> SummaryFact? {
        guard progress.reused > 0 else { return nil }
        return ("reused", "\(Human.plural(progress.reused, "answer")) from equal requests, at no cost")
    }
}
