import BatchDelivery
import JSONText
import SegmentStore

extension StoreStatus {
    /// One JSON object on a line. Members keep their names and types; unknown values are null.
    ///
    /// - Parameter sample: latencies and lengths; nil if they were not requested.
    package func json(_ sample: AnswerSample? = nil) -> String {
        var object = JSONLine()
        object.text("store", root)
        object.text("state", state.rawValue)
        object.text("reason", run?.reason ?? "")
        appendCounts(&object)
        appendRun(&object)
        appendMeans(&object, sample)
        for lane in Lane.outcomes {
            let files = sizes[lane] ?? []
            object.member(
                lane.directoryName, "{\"segments\":\(files.count),\"bytes\":\(files.reduce(0, +))}")
        }
        object.member("superseded", "{\"records\":\(superseded.records),\"bytes\":\(superseded.bytes)}")
        object.member("damaged", String(damage.count))
        object.member("batches", [0x5B] + batches.map(Self.batch).joined(separator: [0x2C]) + [0x5D])
        object.text("writer", writer ?? "")
        object.text("base_url", ServerNote.url(in: reader.manifest) ?? "")
        object.member("settings", Self.texts(run?.settings ?? [:]))
        object.member("job", Self.texts(reader.manifest.job))
        object.text("request_changes", RequestEdits.note(in: reader.manifest) ?? "")
        object.member("exports", [0x5B] + exports.map(\.json).joined(separator: [0x2C]) + [0x5D])
        return String(decoding: object.finished, as: UTF8.self)
    }

    private static func batch(_ batch: BatchStanding) -> [UInt8] {
        var object = JSONLine()
        object.member("number", String(batch.number))
        object.text("id", batch.batch ?? "")
        object.text("server", batch.plan.server)
        object.member("requests", String(batch.plan.requests))
        object.member("succeeded", String(batch.succeeded))
        object.member("failed", String(batch.failed))
        object.member("planned", String(batch.planned))
        object.member("created", number(batch.created))
        object.member("expires", batch.expires > 0 ? String(batch.expires) : "null")
        object.text("end", batch.end ?? "")
        return object.finished
    }

    private func appendCounts(_ object: inout JSONLine) {
        object.member("done", String(reader.counters.done))
        object.member("failed", String(reader.counters.failed))
        object.member("pending", Self.number(pending))
        object.member("items", Self.number(items))
        object.text("shard", reader.manifest.input?.part?.shard.description ?? "")
        object.member("rounds", String(reader.counters.rounds))
        object.member("verdicts", String(reader.counters.verdicts))
        var classes = JSONLine()
        for (name, count) in failureClasses { classes.member(name, String(count)) }
        object.member("failed_by_class", classes.finished)
        for (number, name) in reader.manifest.tallies.enumerated() {
            object.member(name, String(RecordTallies.sum(number, in: reader.counters)))
        }
        object.member("cost_usd", Self.number(cost))
        object.member("spent", spending.json.line)
    }

    /// Adds what the running run reports; null for other stores.
    private func appendRun(_ object: inout JSONLine) {
        let live = state == .running ? run : nil
        object.member("rate_per_s", Self.number(run?.itemsPerSecond))
        object.member("remaining_s", Self.number(live?.remainingSeconds))
        object.member("elapsed_s", Self.number(run?.elapsedSeconds))
        object.member("in_flight", String(live?.inFlight ?? 0))
        object.member("waiting", String(live?.waiting ?? 0))
        object.member("requests", Self.number(run?.requests))
        var retries = JSONLine()
        for (name, count) in (run?.retries ?? [:]).sorted(by: { $0.key < $1.key }) {
            retries.member(name, String(count))
        }
        object.member("retries", retries.finished)
        object.member("concurrency_now", Self.number(live?.concurrency))
        object.member("concurrency_max", Self.number(live?.concurrencyMax))
        object.member("outage_left_s", Self.number(live?.outageLeftSeconds))
        object.member("empty", Self.number(run?.empty))
        object.member("endpoints", JSONTree.list((run?.endpoints ?? []).map(\.tree)).line)
        object.member("hedges", (run?.hedges?.tree ?? .null).line)
        object.member("values_found", ValueCounts.tree(run?.valuesFound ?? [:]).line)
        object.text("paused", live?.paused ?? "")
        object.text("last_error", run?.lastError ?? "")
        object.member("started", Self.number(run?.started))
        object.member("updated", Self.number(run?.updated))
    }

    private func appendMeans(_ object: inout JSONLine, _ sample: AnswerSample?) {
        func distribution(_ mean: Double?, _ histogram: LogHistogram?) -> [UInt8] {
            var object = JSONLine()
            object.member("mean", Self.number(mean))
            for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)] {
                object.member(name, Self.number(histogram?.quantile(share)))
            }
            object.member("max", Self.number(histogram?.maximum))
            object.member("records", String(histogram?.count ?? 0))
            return object.finished
        }
        var items = JSONLine()
        items.member("latency_ms", distribution(mean(.latency), sample?.latency))
        items.member("prompt_tokens", distribution(mean(.prompt), sample?.promptTokens))
        items.member("completion_tokens", distribution(mean(.completion), sample?.completionTokens))
        items.member("cost_usd", Self.number(costPerItem))
        object.member("per_item", items.finished)
    }

    private static func number(_ value: Int?) -> String { value.map(String.init) ?? "null" }

    private static func number(_ value: Double?) -> String {
        value.flatMap { $0.isFinite ? $0.description : nil } ?? "null"
    }

    private static func texts(_ values: [String: String]) -> [UInt8] {
        var object = JSONLine()
        for (key, value) in values.sorted(by: { $0.key < $1.key }) { object.text(key, value) }
        return object.finished
    }
}
