package import Basics
package import CommandLine
package import ModelAPI
package import SegmentStore

/// The settings of `--via cheapest`.
package struct RouteSettings: Sendable {
    package var batch: BatchSettings
    /// As given.
    package var deadlineText: String
    /// Seconds since 1970.
    package var deadline: Double
    package var reserve: Interval?
    /// Expected duration of a batch; nil: as earlier ones took.
    package var expected: Interval?
    /// Whether requests may use the flexible tier.
    package var hasFlex: Bool
    /// The factor on the price in the flexible tier.
    package var flexShare: Double
}

/// The options of `--via cheapest`.
package enum RouteOptions {
    private static let group = "Batches"

    package static let options: [OptionSpec] = [
        OptionSpec(
            "deadline", kind: .string, valueName: "WHEN",
            summary: "with --via cheapest: when all answers must be there: 2h, 'Mon 9:00', 2026-12-01T09:00Z",
            details: """
                Rows go in batches as far as there would be time to send them live if they did not come back; the \
                others go live at once, in the flexible tier where the provider has one. Batches that are late are \
                cancelled, and their rows sent live. `retort plan` shows the split, and the maximum that could be \
                paid twice. A duration counts from the first run: the same command keeps its deadline until all rows \
                are answered.
                """, group: group
        ).main,
        OptionSpec(
            "deadline-reserve", kind: .duration(.milliseconds(1)...Interval.seconds(86_400 * 30)),
            summary: "time before the deadline that is kept for live requests; default: estimated", group: group),
        OptionSpec(
            "batch-expect", kind: .duration(.milliseconds(1)...Interval.seconds(86_400 * 30)),
            summary: "time that a batch is expected to take; default: as earlier ones of the store, else 1h",
            group: group
        ),
        OptionSpec(
            "flex-discount", kind: .number(0...1), valueName: "SHARE",
            summary: "share of the price that service_tier flex saves; default: 0.5 at OpenAI, 0 elsewhere",
            group: group),
    ]

    /// Nil for other values of `--via`. Throws `.usage` for options that need `cheapest`.
    package static func settings(
        _ command: ParsedCommand, _ batch: BatchSettings?, endpoint: RequestBuilder.Endpoint, baseURL: String,
        isSimulated: Bool
    ) throws(RetortError) -> RouteSettings? {
        let route: DeliveryRoute = command.choice("via")
        guard route == .cheapest, let batch else {
            for name in ["deadline", "deadline-reserve", "batch-expect"] where command.source(of: name) > .environment {
                throw RetortError(
                    .usage, "--\(name) needs --via cheapest", remedy: "Add it, or leave --\(name) out.")
            }
            return nil
        }
        guard let text = command.stringIfSet("deadline") else {
            throw RetortError(
                .usage, "--via cheapest needs a --deadline",
                remedy:
                    "Add one, such as --deadline 8h or --deadline 'Mon 9:00'; --via batch waits as long as it takes.")
        }
        return RouteSettings(
            batch: batch, deadlineText: text,
            deadline: try DeadlineText.seconds(text, now: wallClock(), at: command.origin(of: "deadline")),
            reserve: command.durationIfSet("deadline-reserve"), expected: command.durationIfSet("batch-expect"),
            hasFlex: endpoint == .chat || endpoint == .responses,
            flexShare: flexShare(command, baseURL: baseURL, isSimulated: isSimulated))
    }

    /// The factor on the price in the flexible tier: half at OpenAI (its price list, 2026).
    package static func flexShare(_ command: ParsedCommand, baseURL: String, isSimulated: Bool) -> Double {
        let isOpenAI = KnownProvider.at(host: BatchOptions.host(baseURL))?.name == "openai"
        return 1 - (command.numberIfSet("flex-discount") ?? (isOpenAI || isSimulated ? 0.5 : 0))
    }
}

/// A run's deadline, stored until all items have outcomes: a duration counts from the first run.
package enum DeadlineNote {
    private static let name = "deadline"

    /// The deadline that an earlier run with the same text has set and whose work is unfinished; nil: there is none.
    package static func read(_ manifest: StoreManifest?, _ route: RouteSettings) -> Double? {
        guard let note = manifest?.notes?[name], let bar = note.lastIndex(of: "|"),
            note[..<bar] == route.deadlineText, let seconds = Double(note[note.index(after: bar)...]), seconds.isFinite
        else { return nil }
        return seconds
    }

    package static func write(_ route: RouteSettings, to store: RecordStore) throws(RetortError) {
        try store.note(name, "\(route.deadlineText)|\(route.deadline)")
    }

    /// All items have outcomes.
    package static func remove(from store: RecordStore) throws(RetortError) {
        if store.manifest.notes?[name] ?? "" != "" { try store.note(name, "") }
    }
}
