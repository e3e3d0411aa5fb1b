package import Dataset
import SegmentStore

/// `summary.json`. Names and types never change within a version; members may be added. Numbers are numbers, and null
/// where there is nothing to say. Times are seconds since 1970 (UTC), lengths of time are seconds unless the name ends
/// in `_ms`, money is in US dollars.
///
///     format, version     "retort summary", 1
///     generated           when the snapshot was taken
///     store               {path, id, samples, input_files, input_rows}
///     state               "empty", "running", "complete" or "incomplete"
///     writer              the process that writes the store now; "" when none does
///     last_run            {state, reason, started, updated, elapsed_s, rate_per_s, requests, retries, truncated, empty,
///                         last_error, endpoints, settings} as the run itself says, or null; settings are texts, as
///                         the options say them; endpoints are the servers of a run with several, each {name, state,
///                         requests, answers, rate_limited, failures, completion_tokens, in_flight, concurrency,
///                         latency_ms_mean, last_error}
///     progress            {items, done, failed, pending}; items and pending are null where only reading the input
///                         could tell them
///     job                 what the answers depend on, as in retort.json; values are texts
///     pace                {first, last, active_seconds, done_per_second, recent_done_per_second, remaining_seconds}
///     latency_ms          a distribution over the answers, and first_token_ms over those that came as streams
///     tokens              {prompt, completion, reasoning, cached}: distributions over the answers
///     answers             {truncated, empty, reused, shared, alone, values_found, unfit}: reused were taken from equal requests; values_found is {whole, first, brackets}, how the
///                         answers' values were found; unfit are failed items whose answer does not fit
///     cost_usd            {records, total, failed, per_record, remaining}; per_record is a distribution
///     spent               {answers_usd, failures_usd, superseded_usd, total_usd, uncertain_max_usd}: the first three
///                         add up to the total; what answers without a record may have cost at most
///     attempts            [{attempts, done, failed}]; the last stands for that many and more
///     finish_reasons      [{name, count}], then models likewise, and endpoints: the servers that answered, of runs with
///                         several
///     failures            [{class, count, http_statuses, kinds}], the most frequent class first
///     judged              {rounds, verifiers, seconds}, or null where nothing was judged; rounds are [{round, judged,
///                         passed}], verifiers as `retort evaluate --json` has them, seconds {answers, rounds,
///                         verifiers}: what requests and verifiers took, one after the other
///     storage             {responses, failures, index_bytes}; of a lane
///                         {records, raw_bytes, segments, segment_bytes, journal_bytes, ratio}
///     timeline            {column_seconds, columns}; of a column
///                         {start, seconds, done, failed, failed_by_class, prompt_tokens, completion_tokens,
///                         latency_ms_mean, cost_usd}
///     damage              [{lane, segment, start, end, records, reason}]
///     exports             [{time, format, output, options, written, written_to_test, left_out, replaced}], the newest
///                         last; left_out is {reason: count}
///     unreadable          records that are not JSON
///     untimed             records without a time; they are missing in the timeline
///     quantile_error      the largest relative error of a quantile
///
/// A distribution is {count, sum, mean, min, max, p50, p90, p95, p99, bars}; a bar is {from, to, count}, `to` left out.
package struct SummaryJSON {
    package static let version = 1
    private let summary: StoreSummary
    private var digest: RecordDigest { summary.digest }

    package init(_ summary: StoreSummary) { self.summary = summary }

    package var text: [UInt8] { tree.text }

    package var tree: JSONTree {
        .object([
            Member("format", .text("retort summary")),
            Member("version", .integer(Self.version)),
            Member("generated", .integer(Int(summary.generated))),
            Member("store", store),
            Member("state", .text(summary.state.rawValue)),
            Member("writer", .text(summary.writer ?? "")),
            Member("last_run", lastRun), Member("changes", changes),
            Member("progress", progress),
            Member("job", .object(summary.manifest.job.sorted { $0.key < $1.key }.map { Member($0, .text($1)) })),
            Member("pace", pace),
            Member("latency_ms", distribution(digest.latency)),
            Member("first_token_ms", distribution(digest.firstToken)),
            Member("tokens", tokens),
            Member(
                "answers",
                .object([
                    Member("truncated", .integer(digest.truncated)), Member("empty", .integer(digest.empty)),
                    Member("reused", .integer(digest.reused)),
                    Member("shared", shared(digest.together)), Member("alone", shared(digest.alone)),
                    Member("values_found", ValueCounts.tree(digest.valuesFound)),
                    Member("unfit", .integer(digest.unfit)),
                ])),
            Member("cost_usd", cost), Member("spent", summary.spending.json),
            Member("attempts", attempts),
            Member("finish_reasons", counts(digest.finishReasons)),
            Member("models", counts(digest.models)), Member("endpoints", counts(digest.endpoints)),
            Member("failures", .list(summary.failures.map { failure($0.name, $0.digest) })),
            Member("judged", summary.judged?.tree ?? .null),
            Member("storage", storage),
            Member("timeline", timeline),
            Member("damage", .list(summary.damage.map(damage))),
            Member("exports", .list(summary.exports.map(\.tree))),
            Member("unreadable", .integer(digest.unreadable)),
            Member("untimed", .integer(digest.untimed)),
            Member("quantile_error", .real(LogHistogram.relativeErrorMax)),
        ])
    }

    private typealias Member = JSONTree.Member

    private func shared(_ counts: SharedCounts) -> JSONTree {
        .object([
            Member("answers", .integer(counts.answers)), Member("prompt_tokens", .integer(counts.promptTokens)),
            Member("completion_tokens", .integer(counts.completionTokens)),
        ])
    }

    private var store: JSONTree {
        let input = summary.manifest.input
        return .object([
            Member("path", .text(summary.root)),
            Member("id", .text(summary.manifest.store)),
            Member("samples", .integer(summary.manifest.samples)),
            Member("input_files", .list((input?.files ?? []).map { .text($0) })),
            Member("input_rows", JSONTree(input?.rows.map { Int($0) })),
        ])
    }

    private var progress: JSONTree {
        .object([
            Member("items", JSONTree(summary.items)),
            Member("done", .integer(summary.done)),
            Member("failed", .integer(summary.failed)),
            Member("pending", JSONTree(summary.pending)),
        ])
    }

    private var pace: JSONTree {
        .object([
            Member("first", JSONTree(digest.timeline.first.map { Int($0) })),
            Member("last", JSONTree(digest.timeline.last.map { Int($0) })),
            Member("active_seconds", .integer(Int(summary.activeSeconds))),
            Member("done_per_second", JSONTree(summary.donePerSecond)),
            Member("recent_done_per_second", JSONTree(summary.recentDonePerSecond)),
            Member("remaining_seconds", JSONTree(summary.remainingSeconds)),
        ])
    }

    private var lastRun: JSONTree {
        guard let run = summary.run else { return .null }
        return .object([
            Member("state", .text(run.state.rawValue)), Member("reason", .text(run.reason)),
            Member("started", .integer(run.started)), Member("updated", .integer(run.updated)),
            Member("elapsed_s", .real(run.elapsedSeconds)), Member("rate_per_s", .real(run.itemsPerSecond)),
            Member("requests", .integer(run.requests)),
            Member("retries", .object(run.retries.sorted { $0.key < $1.key }.map { Member($0, .integer($1)) })),
            Member("truncated", .integer(run.truncated)), Member("empty", .integer(run.empty)),
            Member("last_error", .text(run.lastError)), Member("endpoints", .list(run.endpoints.map(\.tree))),
            Member("hedges", run.hedges?.tree ?? .null),
            Member("settings", .object(run.settings.sorted { $0.key < $1.key }.map { Member($0, .text($1)) })),
        ])
    }

    /// Changes made to running runs.
    private var changes: JSONTree {
        .list(
            summary.changes.map { change in
                .object([Member("time", .integer(change.time)), Member("change", .text(change.text))])
            })
    }

    private var tokens: JSONTree {
        .object([
            Member("prompt", distribution(digest.promptTokens)),
            Member("completion", distribution(digest.completionTokens)),
            Member("reasoning", distribution(digest.reasoningTokens)),
            Member("cached", distribution(digest.cachedTokens)),
        ])
    }

    private var cost: JSONTree {
        .object([
            Member("records", .integer(digest.nanodollars.count)),
            Member("total", JSONTree(summary.cost)),
            Member("failed", JSONTree(summary.cost.map { _ in digest.failedCost })),
            Member("per_record", distribution(digest.nanodollars, scale: 1e-9)),
            Member("remaining", JSONTree(summary.remainingCost)),
        ])
    }

    private var attempts: JSONTree {
        .list(
            digest.attemptsOfDone.indices.map { number in
                .object([
                    Member("attempts", .integer(number)),
                    Member("done", .integer(digest.attemptsOfDone[number])),
                    Member("failed", .integer(digest.attemptsOfFailed[number])),
                ])
            })
    }

    private func distribution(_ histogram: LogHistogram, scale: Double = 1) -> JSONTree {
        func scaled(_ value: Int?) -> JSONTree {
            scale == 1 ? JSONTree(value) : JSONTree(value.map { Double($0) * scale })
        }
        let sum = histogram.sum * scale
        let bars = HistogramBars(histogram).bars.map { bar -> JSONTree in
            .object([
                Member("from", scaled(Int(bar.range.lowerBound))), Member("to", scaled(Int(bar.range.upperBound))),
                Member("count", .integer(bar.count)),
            ])
        }
        return .object([
            Member("count", .integer(histogram.count)),
            Member("sum", scale == 1 ? JSONTree(Int(exactly: sum)) : .real(sum)),
            Member("mean", JSONTree(histogram.mean.map { $0 * scale })),
            Member("min", scaled(histogram.minimum)),
            Member("max", scaled(histogram.maximum)),
            Member("p50", scaled(histogram.quantile(0.5))),
            Member("p90", scaled(histogram.quantile(0.9))),
            Member("p95", scaled(histogram.quantile(0.95))),
            Member("p99", scaled(histogram.quantile(0.99))),
            Member("bars", .list(bars)),
        ])
    }

    private func counts(_ counts: NameCounts) -> JSONTree {
        var parts = counts.sorted.map {
            JSONTree.object([Member("name", .text($0.name)), Member("count", .integer($0.count))])
        }
        if counts.others > 0 {
            parts.append(.object([Member("name", .text("(others)")), Member("count", .integer(counts.others))]))
        }
        return .list(parts)
    }

    private func failure(_ name: String, _ digest: FailureDigest) -> JSONTree {
        let statuses = digest.statuses.sorted.map { status -> JSONTree in
            .object([Member("status", .integer(Int(status.name) ?? 0)), Member("count", .integer(status.count))])
        }
        let kinds = digest.sorted.map { kind -> JSONTree in
            .object([
                Member("count", .integer(kind.count)), Member("message", .text(kind.example.message)),
                Member("http_status", .integer(kind.example.status)), Member("id", .text(kind.example.id)),
                Member("sample", .integer(kind.example.sample)), Member("attempts", .integer(kind.example.attempts)),
                Member("created", .integer(Int(kind.example.created))), Member("body", .text(kind.example.body)),
            ])
        }
        return .object([
            Member("class", .text(name)), Member("count", .integer(digest.count)),
            Member("http_statuses", .list(statuses)), Member("kinds", .list(kinds)),
            Member("other_kinds", .integer(digest.otherKinds)),
        ])
    }

    private var storage: JSONTree {
        let lanes = Lane.outcomes.map { lane -> Member in
            let volume = digest.volumes[lane] ?? RecordDigest.Volume()
            let files = summary.files[lane] ?? StoreSummary.LaneFiles()
            return Member(
                lane.directoryName,
                .object([
                    Member("records", .integer(volume.records)), Member("raw_bytes", .integer(volume.rawBytes)),
                    Member("segments", .integer(files.segments)), Member("segment_bytes", .integer(files.segmentBytes)),
                    Member("journal_bytes", .integer(files.journalBytes)),
                    Member("ratio", JSONTree(summary.ratio(lane))),
                ]))
        }
        return .object(lanes + [Member("index_bytes", .integer(summary.indexBytes))])
    }

    private var timeline: JSONTree {
        let columns = summary.columns
        let list = columns.stretches.indices.flatMap { stretch in
            columns.stretches[stretch].columns.indices.map { column(stretch, $0) }
        }
        return .object([
            Member("column_seconds", .integer(Int(columns.columnSeconds))), Member("columns", .list(list)),
        ])
    }

    private func column(_ stretch: Int, _ column: Int) -> JSONTree {
        let bin = summary.columns.stretches[stretch].columns[column]
        let classes = bin.failedByClass.enumerated().filter { $0.element > 0 }.map {
            Member(digest.className($0.offset), .integer($0.element))
        }
        return .object([
            Member("start", .integer(Int(summary.columns.start(stretch, column)))),
            Member("seconds", .integer(Int(summary.columns.coveredSeconds(stretch, column)))),
            Member("done", .integer(bin.done)), Member("failed", .integer(bin.failed)),
            Member("failed_by_class", .object(classes)),
            Member("prompt_tokens", .integer(bin.promptTokens)),
            Member("completion_tokens", .integer(bin.completionTokens)),
            Member(
                "latency_ms_mean",
                JSONTree(bin.done > 0 ? Double(bin.latencyMilliseconds) / Double(bin.done) : nil)),
            Member("cost_usd", JSONTree(summary.cost.map { _ in bin.cost })),
        ])
    }

    private func damage(_ damage: Damage) -> JSONTree {
        .object([
            Member("lane", .text(damage.lane.directoryName)), Member("segment", .integer(Int(damage.segment))),
            Member("file", .text(damage.name)),
            Member("start", .integer(damage.range.lowerBound)), Member("end", .integer(damage.range.upperBound)),
            Member("records", JSONTree(damage.records)), Member("reason", .text(damage.reason)),
        ])
    }
}
