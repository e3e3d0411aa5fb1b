package import Basics
import CommandLine
import Dataset
import JSONText
package import ModelAPI
import PromptSource
package import ResponseGenerator
package import SegmentStore
import StageSource

/// What a run would find and send, determined without sending, paying or writing anything.
package struct RunPlan {
    /// Items of the input.
    package private(set) var items = 0
    package private(set) var rows: UInt64 = 0
    package private(set) var done = 0
    package private(set) var failed = 0
    /// Items whose request differs from the one answered under their id; included in the done and the failed.
    package private(set) var changed = 0
    /// Items that would be sent.
    package private(set) var new = 0
    /// Requests for these items.
    package private(set) var requests = 0
    /// Items that would be recorded as failed because of their row.
    package private(set) var bad = 0
    /// Items that would take the answer of an equal request.
    package private(set) var reused = 0
    /// Bytes of the new items' prompts.
    package private(set) var newAskedBytes = 0
    /// The same bytes, counted once for items of one request.
    package private(set) var newAskedBytesOfRequests = 0
    /// Upper bounds for the new items.
    package private(set) var bounds = PlanBounds()
    package private(set) var measurements = StoreMeasurements()
    /// Rows with another row's id, included in the bad ones; and the message about the first.
    package private(set) var duplicates = 0
    package private(set) var duplicatesShown: [String] = []
    /// Items with an outcome in another store; not counted as items.
    package private(set) var elsewhere = 0
    package private(set) var remarks: [String] = []
    /// The maximum that would be sent before the first item; nil: nothing.
    package private(set) var probes: ProbeBound?
    /// Known damage of the store.
    package private(set) var damage: [Damage] = []
    /// The first bad rows, for messages.
    package private(set) var badRows: [RetortError] = []

    /// Rows of a matrix after those that are examined: there may be billions.
    package private(set) var rowsLeftOut: UInt64 = 0

    package static let badRowsMax = 10
    package static let rowsOfMatrixMax = 10_000
    /// Number of keys remembered to notice duplicate ids; duplicates further apart are noticed only by the run.
    package static let issuedMax = 1 << 20

    /// Reads the input once. Throws errors that would prevent the run from starting or continuing.
    package init(_ settings: RunSettings, options: StoreOptions = StoreAccess.options) throws(RetortError) {
        var settings = settings
        // Changed rows are counted, not refused.
        if settings.onChange == .refuse { settings.onChange = .keep }
        let input = try RunInput.resolve(settings)
        let stored = try RecordStore.manifest(of: settings.out, files: options.files)
        let job = JobDescription(settings).adopting(stored)
        try RowTrial.check(input, settings, job: job)
        remarks = try TemplateTrial.remarks(input, settings, job: job)
        let siblings = try SiblingStores(settings, job: job)
        guard let manifest = stored else {
            try OutputPlace(settings.out).check(options.files)
            let store = NoOutcomes(job, samples: settings.samples)
            try read(input, settings, store, .mixed(isNew: true), from: .start, .start, siblings)
            items = Int(rows) * settings.samples - elsewhere
            return
        }
        // One snapshot, including its journals, answers all questions about the store.
        let reader = try StoreReader(settings.out, options: options)
        if reader.counters.done + reader.counters.failed > 0 {
            if try !OtherTemplate.isHarmless(input, settings, job, manifest, reader, reader.counters) {
                try job.check(against: manifest.job, at: settings.out, onChange: settings.onChange)
            }
        }
        measurements = try StoreMeasurements(reader)
        damage = reader.knownDamage()
        let counters = reader.counters
        let progress = reader.inputProgress
        let standing =
            siblings != nil || job.comparesRows(of: input, settings.shard, with: manifest, settings.onChange)
            ? .mixed(isNew: true)
            : InputStanding(
                identity: input.identityHash(of: settings.shard), manifest: manifest, counters: counters,
                progress: progress, samples: settings.samples
            ).of(input)
        var start = Landmark.start
        if case .sole = standing, counters.done + counters.failed > 0, settings.rows.isWhole, !input.isStore {
            start = Landmark(progress.landmark)
        }
        if case .settled(let known) = standing {
            rows = settings.rows.count(of: known)
        } else {
            let position = SourceNote.position(in: manifest, input, settings, standing)
            try read(
                input, settings, reader, standing, from: start, position, siblings,
                held: counters.done + counters.failed)
        }
        items = Int(rows) * settings.samples - elsewhere
        switch standing {
        case .sole where !settings.rows.isWhole: break
        case .sole: (done, failed) = (Int(counters.done), Int(counters.failed))
        case .settled: (done, failed) = (items, 0)
        case .mixed: break
        }
    }

    private mutating func read(
        _ input: InputSet, _ settings: RunSettings, _ store: any KnownOutcomes, _ standing: InputStanding,
        from landmark: Landmark, _ position: SourcePosition, _ siblings: SiblingStores?, held: UInt64 = 0
    ) throws(RetortError) {
        let issued = IssuedKeys()
        var remembered: [Hash128] = []
        let planner = RowPlanner(
            settings, input: input, store: store, issued: issued, codec: RecordCodec(keepsBody: false),
            standing: standing, siblings: siblings)
        let reader = RangedRows(input, from: landmark, settings.rows, position: position)
        let reuse = try PlannedReuse(settings, hasStore: !(store is NoOutcomes))
        while let row = try reader.next() {
            if let count = input.rowCount, settings.shard == nil, reader.rows > Self.rowsOfMatrixMax {
                rowsLeftOut = settings.rows.count(of: count) - UInt64(Self.rowsOfMatrixMax)
                break
            }
            switch try planner.plan(row) {
            case .items(let items):
                try count(items, settings, planner, reuse) { remembered.append($0) }
            case .badRow(let records, let error):
                bad += records.count
                if badRows.count < Self.badRowsMax { badRows.append(error) }
            case .otherShard: break
            }
            if remembered.count >= Self.issuedMax {
                issued.remove(remembered)
                remembered = []
            }
        }
        try count(try planner.takeOpen(), settings, planner, reuse) { remembered.append($0) }
        rows =
            settings.shard == nil
            ? reader.rows - (rowsLeftOut > 0 ? 1 : 0) : planner.rowsOfShard(held: held)
        elsewhere = planner.findings.elsewhere
        remarks += planner.takeRemarks()
        (duplicates, duplicatesShown) = (planner.findings.duplicates, planner.findings.duplicatesShown)
        (done, failed, changed) = (planner.findings.done, planner.findings.failed, planner.findings.changed)
        if rowsLeftOut > 0 { extrapolate() }
        guard new > 0 else { return }
        probes = try ProbeBound(settings, store.manifest)
        if let probes { bounds.add(probes.bound) }
    }

    /// Counts items that would be sent, in the order of sending.
    private mutating func count(
        _ items: [Item<ItemContext>], _ settings: RunSettings, _ planner: RowPlanner, _ reuse: PlannedReuse?,
        _ remember: (Hash128) -> Void
    ) throws(RetortError) {
        var together: SharedRequest?
        for item in items {
            remember(item.context.key.hash)
            if try reuse?.serves(item.reuseKey) == true {
                reused += 1
                continue
            }
            new += 1
            let asked = RecordView.askedBytes(item.context.asked, with: planner.splitter)
            newAskedBytes += asked
            if let shared = item.shared {
                // Other requests of the run ask for the items that the first one leaves out.
                let corrected = settings.repliesMax > 1 ? item.request : nil
                add(corrected, replies: settings.repliesMax - 1, settings, planner)
                if shared === together { continue }
                together = shared
            }
            requests += 1
            newAskedBytesOfRequests += asked
            add(
                item.shared?.request ?? item.request, replies: item.shared == nil ? settings.repliesMax : 1,
                settings, planner)
        }
    }

    private mutating func add(_ request: ModelRequest?, replies: Int, _ settings: RunSettings, _ planner: RowPlanner) {
        guard let request else { return }
        bounds.add(settings.pricing.bound(of: request, replies: replies, with: planner.splitter))
    }

    /// Assumes that the remaining rows resemble the examined ones.
    private mutating func extrapolate() {
        let factor = Double(rows + rowsLeftOut) / Double(max(1, rows))
        func scaled(_ count: Int) -> Int { Int(clamping: Int64(min(Double(count) * factor, 9e18))) }
        remarks.append(
            "the figures are made of the first \(Human.count(Self.rowsOfMatrixMax)) rows of the matrix; "
                + "\(Human.count(Int(clamping: rowsLeftOut))) more were not looked at")
        (new, requests) = (scaled(new), scaled(requests))
        (newAskedBytes, newAskedBytesOfRequests) = (scaled(newAskedBytes), scaled(newAskedBytesOfRequests))
        (done, failed, bad, reused) = (scaled(done), scaled(failed), scaled(bad), scaled(reused))
        rows += rowsLeftOut
        bounds = bounds.scaled(by: factor)
    }

    // MARK: Estimates

    /// Uses another store's measurements if this one has no answers.
    package mutating func measure(by other: StoreMeasurements) { if !measurements.isKnown { measurements = other } }

    /// Answers that came together share one prompt, so the measurement already counts it once.
    package var promptTokens: SumEstimate {
        measurements.promptTokens(bytes: measurements.isKnown ? newAskedBytes : newAskedBytesOfRequests, items: new)
    }

    package var completionTokens: SumEstimate? { measurements.completionTokens(items: new) }

    /// Dollars for the new items; nil if the price or the answers' length is unknown.
    package func cost(_ price: TokenPrice?) -> SumEstimate? {
        guard let price, price != .free, let completion = completionTokens else { return nil }
        let share = measurements.cachedShare
        let input = (price.input * (1 - share) + price.cachedInput * share) / 1e6
        return promptTokens.scaled(by: input) + completion.scaled(by: price.output / 1e6)
    }

    /// Seconds at the rate that the settings allow; nil if no answer was timed.
    package func seconds(_ generator: GeneratorConfiguration) -> SumEstimate? {
        guard let latency = measurements.latency(items: requests) else { return nil }
        var floor = 0.0
        let limits = generator.limits
        if let rate = limits.requestsPerSecond { floor = max(floor, Double(requests) / rate) }
        if let rate = limits.requestsPerMinute { floor = max(floor, Double(requests) / rate * 60) }
        if let spacing = limits.spacing { floor = max(floor, Double(requests) * spacing.seconds) }
        if let rate = limits.tokensPerMinute, let completion = completionTokens {
            floor = max(floor, (promptTokens.mean + completion.mean) / rate * 60)
        }
        let estimate = latency.scaled(by: 0.001 / Double(generator.concurrency))
        return SumEstimate(
            mean: max(floor, estimate.mean),
            interval: estimate.interval.map { max(floor, $0.lowerBound)...max(floor, $0.upperBound) })
    }
}
