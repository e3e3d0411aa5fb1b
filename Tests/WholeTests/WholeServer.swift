import Basics
import ModelAPI
import TestSupport

/// A model server that bills its answers, whether they arrive or not. Its faults follow from the seed.
final class WholeServer: ModelTransport {
    private let plan: WholePlan
    private let time: SimulatedTime
    private let files: SimulatedFileSystem
    private let books: Locked<WholeBooks>
    private let life: Int
    private let isCalm: Bool
    private let random: Locked<SeededGenerator>

    private static let price = TokenPrice(input: 1, cachedInput: 0.5, output: 2)

    /// The result of a request.
    private enum Fate: CaseIterable {
        case answer, unfit, truncated, filtered, unreadable, silent, lost, late, limited, failing, overloaded
        case unconnected, denied

        static let troubles: [Fate] = allCases.filter { $0 != .answer && $0 != .denied }
    }

    init(
        _ plan: WholePlan, _ time: SimulatedTime, _ files: SimulatedFileSystem, _ books: Locked<WholeBooks>, life: Int,
        isCalm: Bool, seed: UInt64
    ) {
        (self.plan, self.time, self.files, self.books) = (plan, time, files, books)
        (self.life, self.isCalm) = (life, isCalm)
        random = Locked(SeededGenerator(seed: seed))
    }

    /// A reply, and how long it takes.
    private struct Ready {
        var number = 0
        var result: Result<ModelReply, TransportFailure>
        var latency = Interval.zero
    }

    func send(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure> {
        // A crashed process sends nothing.
        guard !files.isDead else { return .failure(TransportFailure(.cancelled, "the process is dead")) }
        let ready = random.withLock { random in books.withLock { answer(request, &random, &$0) } }
        await time.sleep(ready.latency)
        if Task.isCancelled || files.isDead { return .failure(TransportFailure(.cancelled, "cancelled")) }
        books.withLock { books in
            if ready.number >= 0 { books.requests[ready.number].isDelivered = true }
            books.note(ready.number)
        }
        return ready.result
    }

    private func answer(_ request: ModelRequest, _ random: inout SeededGenerator, _ books: inout WholeBooks) -> Ready {
        let latency = Interval.milliseconds(Int64(random.below(random.below(10) == 0 ? 8000 : 400)))
        let row = Self.row(in: request.body)
        let fate = fate(of: row, &random)
        if fate == .unconnected {
            return Ready(
                number: -1, result: .failure(TransportFailure(.connection, "no route", stage: .unconnected)),
                latency: latency)
        }
        let hash = request.body.withUnsafeBytes { ContentHash.hash64($0) }
        if books.usable[hash] ?? 0 >= plan.samples {
            books.fault("row \(row) is asked again, and its answer is on disk")
        }
        let number = books.requests.count
        var sent = WholeBooks.Request(row: row, body: hash, life: life)
        sent.syncs = books.syncs
        sent.worst = Self.price.nanodollarsMax(
            bodyBytes: request.body.count, completionTokensMax: WholePlan.tokensMax)
        for value in [number, row, Int(truncatingIfNeeded: hash), Int(time.now.nanoseconds)] { books.note(value) }
        let ready = reply(fate, number, &sent, bytes: request.body.count, latency, &random)
        books.requests.append(sent)
        books.billed += sent.cost
        if let cap = books.cap, books.billed > cap + books.excused {
            books.fault("billed \(books.billed) of a cap of \(cap), \(books.excused) excused")
        }
        return ready
    }

    private func fate(of row: Int, _ random: inout SeededGenerator) -> Fate {
        if plan.refusesRows, row % 7 == 5 { return .denied }
        let trouble = isCalm ? min(plan.trouble, 0.1) : plan.trouble
        guard Double(random.below(1000)) < trouble * 1000 else { return .answer }
        return random.pick(Fate.troubles)
    }

    private func reply(
        _ fate: Fate, _ number: Int, _ sent: inout WholeBooks.Request, bytes: Int, _ latency: Interval,
        _ random: inout SeededGenerator
    ) -> Ready {
        func answered(_ text: String, _ finish: String = "stop", tells: Bool = true) -> Ready {
            let usage = Self.usage(&sent, bytes: bytes, &random)
            sent.isKnown = tells
            let body =
                #"{"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"\#(text)"},"#
                + #""finish_reason":"\#(finish)"}]\#(tells ? usage : "")}"#
            return Ready(number: number, result: .success(Self.ok(body, latency)), latency: latency)
        }
        func failed(_ status: Int, _ headers: [(name: String, value: String)] = []) -> Ready {
            let body = #"{"error":{"message":"scripted \#(status)","type":"","code":""}}"#
            return Ready(
                number: number,
                result: .success(
                    ModelReply(status: status, body: Array(body.utf8), headers: headers, latency: latency)),
                latency: latency)
        }
        func broken(_ kind: TransportFailure.Kind, _ latency: Interval) -> Ready {
            _ = Self.usage(&sent, bytes: bytes, &random)
            return Ready(
                number: number, result: .failure(TransportFailure(kind, "scripted", latency: latency)), latency: latency
            )
        }
        let mark = WholeMark.text(number, row: sent.row)
        let fit = plan.isChecked ? #"{\"mark\":\"\#(mark)\"}"# : "an answer: \(mark)"
        switch fate {
        case .answer: return answered(fit)
        case .unfit: return answered("no value: \(mark)")
        case .truncated: return answered("cut off: \(mark)", "length")
        case .filtered: return answered("hidden: \(mark)", "content_filter")
        case .silent: return answered(fit, tells: false)
        case .unreadable:
            _ = Self.usage(&sent, bytes: bytes, &random)
            return Ready(number: number, result: .success(Self.ok("{", latency)), latency: latency)
        case .lost: return broken(.connection, latency)
        case .late: return broken(.timeout, .seconds(30))
        case .limited: return failed(429, random.below(2) == 0 ? [("retry-after", "2")] : [])
        case .failing: return failed(500)
        case .overloaded, .unconnected: return failed(503)
        case .denied: return failed(400)
        }
    }

    private static func ok(_ body: String, _ latency: Interval) -> ModelReply {
        ModelReply(status: 200, body: Array(body.utf8), latency: latency)
    }

    /// Bills the request; returns the JSON member that states the usage.
    private static func usage(
        _ sent: inout WholeBooks.Request, bytes: Int, _ random: inout SeededGenerator
    ) -> String {
        let prompt = 1 + random.below(bytes)
        let usage = (
            prompt: prompt, cached: random.below(prompt + 1), completion: random.below(WholePlan.tokensMax + 1)
        )
        var stated = ""
        if random.below(4) == 0 {
            sent.cost = random.below(sent.worst + 1)
            stated = #","cost":\#(Double(sent.cost) / 1e9)"#
        } else {
            var tokens = TokenUsage()
            (tokens.prompt, tokens.cached, tokens.completion) = (usage.prompt, usage.cached, usage.completion)
            sent.cost = price.nanodollars(of: tokens)
        }
        return #","usage":{"prompt_tokens":\#(usage.prompt),"completion_tokens":\#(usage.completion),"#
            + #""total_tokens":\#(usage.prompt + usage.completion),"#
            + #""prompt_tokens_details":{"cached_tokens":\#(usage.cached)}\#(stated)}"#
    }

    /// The row of a request: the number after the first "row ".
    private static func row(in body: [UInt8]) -> Int {
        let text = String(decoding: body, as: UTF8.self)
        guard let start = text.firstRange(of: "row ") else { return -1 }
        return Int(text[start.upperBound...].prefix { $0.isNumber }) ?? -1
    }
}
