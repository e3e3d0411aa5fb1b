import Basics
package import CommandLine
package import Dataset
package import SegmentStore

/// The last event of `--progress json`: the members of `summary.json` on one line, with the command's result.
package enum SummaryEvent {
    /// Maximum number of records that are read for it: about a second. With more records, members that need reading are
    /// omitted, since the end of a run must not become slower the larger the store is.
    package static let recordsMax = 200_000

    /// Members that need no records.
    private static let countedMembers: Set<String> = [
        "format", "version", "generated", "store", "state", "writer", "last_run", "progress", "job", "exports",
    ]

    /// The event; without the store's part if that cannot be read.
    package static func text(
        of root: String, command: String, headline: String, exitCode: ExitCode, counters: StoreCounters,
        spending: Spending
    ) -> String {
        var members: [JSONTree.Member] = [
            .init("event", .text("summary")), .init("command", .text(command)), .init("headline", .text(headline)),
            .init("exit_code", .integer(Int(exitCode.rawValue))),
            .init("failed_by_class", failures(counters)), .init("cost_total_usd", JSONTree(spending.dollars)),
        ]
        let readsRecords = counters.done &+ counters.failed <= UInt64(recordsMax)
        let summary = try? StoreSummary(of: root, now: wallClockSeconds(), readsRecords: readsRecords)
        if let summary, case .object(let all) = SummaryJSON(summary).tree {
            members += all.filter { readsRecords || countedMembers.contains($0.name) }
        }
        return String(decoding: JSONTree.object(members).line, as: UTF8.self)
    }

    private static func failures(_ counters: StoreCounters) -> JSONTree {
        let names = RecordCodec.failureClasses
        return .object(
            counters.failedByClass.enumerated().filter { $0.element > 0 }.map { index, count in
                .init(index < names.count ? names[index] : "other", .integer(Int(clamping: count)))
            })
    }
}
