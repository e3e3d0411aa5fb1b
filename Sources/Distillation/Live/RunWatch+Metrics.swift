import Basics
import Dataset
import ModelAPI
package import RunMonitor

extension RunWatch {
    /// The metrics of the run, from memory. No label has a value from the input or the server, except status codes, of
    /// which there are few.
    package func metrics() -> Exposition {
        let state = snapshot
        let record = state.record
        let counts = exchanges.counts
        typealias Sample = Exposition.Sample
        var metrics = Exposition()
        metrics.gauge(
            "retort_build_info", "The version of retort; always 1.", [Sample(1, [("version", RetortVersion.text)])])
        metrics.gauge(
            "retort_run_info", "What runs; always 1.", [Sample(1, [("command", record.command), ("model", model)])])
        metrics.gauge(
            "retort_items", "Items of the run by state; pending only where the input has been counted.",
            [Sample(Double(record.done), [("state", "done")]), Sample(Double(record.failed), [("state", "failed")])]
                + (record.pending.map { [Sample(Double($0), [("state", "pending")])] } ?? []))
        metrics.counter(
            "retort_requests", "Requests that ended, by whether a reply came.",
            [
                Sample(Double(counts.codes.values.reduce(0, +)), [("outcome", "reply")]),
                Sample(Double(counts.broken.values.reduce(0, +)), [("outcome", "no_reply")]),
            ])
        metrics.counter(
            "retort_http_responses", "Replies by HTTP status.",
            counts.codes.sorted { $0.key < $1.key }.map { Sample(Double($0.value), [("code", String($0.key))]) })
        metrics.counter(
            "retort_retries", "Attempts that were repeated, by what they failed of.",
            Self.samples(record.retries, "class"))
        metrics.counter(
            "retort_failed_items", "Items that failed in this run, by class.",
            Self.samples(state.failures.mapValues(\.count), "class"))
        metrics.histogram(
            "retort_request_duration_seconds", "From dispatch to the last byte of a reply.",
            Exposition.Histogram(bounds: ExchangeWatch.bounds, counts: counts.buckets, sum: counts.seconds))
        Self.addWindow(record, to: &metrics)
        metrics.counter(
            "retort_tokens", "Tokens of answers in this run.",
            [
                Sample(Double(state.usage.prompt), [("kind", "prompt")]),
                Sample(Double(state.usage.completion), [("kind", "completion")]),
            ])
        addCost(state, to: &metrics)
        if let hedges = record.hedges { Self.add(hedges, to: &metrics) }
        Self.add(endpoints(state, counts), to: &metrics)
        addStages(to: &metrics)
        addProcess(record, to: &metrics)
        return metrics
    }

    private static func add(_ endpoints: [EndpointRecord], to metrics: inout Exposition) {
        func samples(_ value: KeyPath<EndpointRecord, Int>) -> [Exposition.Sample] {
            endpoints.map { Exposition.Sample(Double($0[keyPath: value]), [("endpoint", $0.name)]) }
        }
        metrics.gauge(
            "retort_endpoint_up", "1 while requests go to the server, 0 while it is left out.",
            endpoints.map { Exposition.Sample($0.isUp ? 1 : 0, [("endpoint", $0.name)]) })
        metrics.counter("retort_endpoint_requests", "Requests to each server.", samples(\.requests))
        metrics.counter("retort_endpoint_rate_limited", "Replies with 429 of each server.", samples(\.rateLimited))
        metrics.counter("retort_endpoint_failures", "Failed requests to each server.", samples(\.failures))
        metrics.gauge("retort_endpoint_in_flight", "Requests to each server in flight.", samples(\.inFlight))
    }

    /// For a pipeline. The names of stages come from the job file and are few.
    private func addStages(to metrics: inout Exposition) {
        let stages = stages.map { ($0.name, $0.watch.snapshot.record) }
        metrics.gauge(
            "retort_stage_items", "Items of each stage by state.",
            stages.flatMap { name, record in
                [
                    Exposition.Sample(Double(record.done), [("stage", name), ("state", "done")]),
                    Exposition.Sample(Double(record.failed), [("stage", name), ("state", "failed")]),
                ]
            })
        metrics.gauge(
            "retort_stage_in_flight", "Requests of each stage in flight.",
            stages.map { Exposition.Sample(Double($1.inFlight), [("stage", $0)]) })
    }

    private static func samples(_ counts: [String: Int], _ label: String) -> [Exposition.Sample] {
        counts.sorted { $0.key < $1.key }.map { Exposition.Sample(Double($0.value), [(label, $0.key)]) }
    }

    private static func addWindow(_ record: RunRecord, to metrics: inout Exposition) {
        metrics.gauge("retort_in_flight", "Requests in flight.", [.init(Double(record.inFlight))])
        metrics.gauge("retort_window_limit", "Requests that may be in flight now.", [.init(Double(record.concurrency))])
        metrics.gauge(
            "retort_window_limit_max", "Maximum requests in flight.", [.init(Double(record.concurrencyMax))]
        )
        metrics.gauge("retort_retries_waiting", "Items that wait for a retry.", [.init(Double(record.waiting))])
        metrics.gauge(
            "retort_paused", "1 while something keeps requests from going out.", [.init(record.paused.isEmpty ? 0 : 1)])
    }

    private func addCost(_ state: State, to metrics: inout Exposition) {
        metrics.counter(
            "retort_cost_usd", "What the store's records have cost.", state.record.cost.map { [.init($0)] } ?? [])
        metrics.gauge("retort_cost_limit_usd", "The cost cap.", state.costMax.map { [.init($0)] } ?? [])
        metrics.gauge(
            "retort_reserved_usd",
            "Maximum spent beyond what records state: requests in flight, lost answers.",
            state.reserved.map { [.init($0)] } ?? [])
    }

    private static func add(_ hedges: HedgeRecord, to metrics: inout Exposition) {
        metrics.counter("retort_hedges", "Duplicates of slow requests that were sent.", [.init(Double(hedges.sent))])
        metrics.counter(
            "retort_hedges_won", "Duplicates that answered before the request.", [.init(Double(hedges.won))])
        metrics.gauge(
            "retort_hedge_saved_seconds", "Estimate of the waiting that duplicates have saved.",
            hedges.savedSeconds.map { [.init($0)] } ?? [])
        metrics.counter(
            "retort_hedge_cost_usd", "What losers have cost, and the maximum that cancelled ones may have cost.",
            [.init(hedges.cost, [("kind", "certain")]), .init(hedges.costMax, [("kind", "possible")])])
    }

    private func addProcess(_ record: RunRecord, to metrics: inout Exposition) {
        metrics.gauge(
            "retort_start_time_seconds", "When the run began, in seconds since 1970.", [.init(Double(record.started))])
        metrics.gauge("retort_elapsed_seconds", "How long the run has gone on.", [.init(record.elapsedSeconds)])
        let cost = ProcessCost.now
        metrics.counter(
            "process_cpu_seconds", "CPU time of the whole process.", [.init(cost.cpuSeconds)])
    }
}
