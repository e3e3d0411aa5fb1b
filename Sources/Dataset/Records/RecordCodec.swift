package import Basics
import JSONText
package import ModelAPI
package import PromptSource
package import ResponseGenerator
package import SegmentStore

/// Turns outcomes into records by the schema (`RecordMember`).
package struct RecordCodec: Sendable {
    package static let failureClasses = FailureClass.allCases.map(\.rawValue)
    private static let classNumbers = Dictionary(
        uniqueKeysWithValues: FailureClass.allCases.enumerated().map { ($1, UInt8($0)) })

    /// The price list that costs are computed from (`PriceTable.version`).
    package var prices = ""
    /// Whether another record states the cost of the answers.
    package var isPaidBefore = false
    /// Whether the API's raw body is kept in each success.
    package var keepsBody: Bool
    /// The type that the store's costs have.
    package var costs = CostColumn()
    /// The names of the servers if there are several; otherwise empty.
    package var servers: [String] = []
    /// Records in which text that UTF-8 cannot represent was replaced.
    package let replaced = Locked(0)
    /// Seconds since 1970 for the records' `created`.
    package var now: @Sendable () -> Int64 = { wallClockSeconds() }

    package init(
        prices: String = "", isPaidBefore: Bool = false, keepsBody: Bool, costs: CostColumn = CostColumn(),
        servers: [String] = [], now: @escaping @Sendable () -> Int64 = { wallClockSeconds() }
    ) {
        self.prices = prices
        self.isPaidBefore = isPaidBefore
        self.keepsBody = keepsBody
        self.costs = costs
        self.servers = servers
        self.now = now
    }

    package func record(_ outcome: Outcome<ItemContext>) -> NewRecord {
        let context = outcome.context
        let members: [UInt8]
        var status = RecordStatus.ok
        var tallies = Tallies()
        switch outcome.result {
        case .answer(let answer):
            let cost = cost(of: answer, context)
            members = self.members(of: answer, outcome, cost: cost)
            tallies = RecordTallies.of(
                answer, latency: outcome.latency, cost: cost, isInRounds: answer.verdictRaw != nil)
        case .round(let round): return record(of: round, outcome)
        case .opinion(let opinion): return record(of: opinion, outcome)
        case .failure(let failure):
            status = .failed(classIndex: Self.classNumbers[failure.failureClass]!)
            // A billed amount of zero is a known cost, if prices are known at all.
            let cost = failure.bill.map { $0.nanodollars(at: context.price) } ?? context.price.map { _ in 0 }
            members = self.members(
                of: naming(server(of: outcome), failure), asked: context.asked, latency: outcome.latency,
                request: context.request,
                metadata: context.metadata, cost: cost, rounds: outcome.rounds)
            tallies = RecordTallies.ofFailure(cost: cost)
        }
        return NewRecord(
            key: context.key, status: status, attempts: UInt32(clamping: outcome.attempts), row: context.row,
            fingerprint: context.fingerprint, members: members, tallies: tallies)
    }

    /// A billed amount of zero is a known cost, if prices are known at all.
    private func cost(of answer: ModelAnswer, _ context: ItemContext) -> Int? {
        if answer.reusedFrom != nil { return context.price.map { _ in 0 } }
        return isPaidBefore ? 0 : Bill(answer).nanodollars(at: context.price)
    }

    /// The server of the item's last request, if there are several.
    package func server(of outcome: Outcome<ItemContext>) -> String? {
        servers.indices.contains(outcome.endpoint) ? servers[outcome.endpoint] : nil
    }

    /// The failure with the server's name appended to its message.
    package func naming(_ server: String?, _ failure: ItemFailure) -> ItemFailure {
        guard let server else { return failure }
        var failure = failure
        failure.message += " (\(server))"
        return failure
    }

    /// The basis of a cost: the provider's own statement, or a price list.
    package func priceList(_ bill: Bill, _ cost: Int?) -> String {
        if cost == nil { return "" }
        return bill.costStatedNanodollars != nil ? "provider" : prices
    }

    /// The record of a malformed row.
    package func record(badRow row: Row, _ error: RetortError, key: RecordKey) -> NewRecord {
        let failure = ItemFailure(.badInput, error.description, body: row.excerpt)
        let members = members(
            of: failure, asked: AskedText.none, latency: .zero,
            request: ModelRequest(path: "", body: Array("{}".utf8)), metadata: Array("{}".utf8), cost: nil,
            rounds: RoundsSoFar())
        return NewRecord(
            key: key, status: .failed(classIndex: Self.classNumbers[.badInput]!), attempts: 0, row: row.number,
            fingerprint: 0, members: members)
    }

    private func members(of answer: ModelAnswer, _ outcome: Outcome<ItemContext>, cost: Int?) -> [UInt8] {
        let context = outcome.context
        var writer = RecordWriter(
            .responses, capacity: context.asked.count + answer.body.count + context.metadata.count + 512)
        var other = OtherParts()
        if let parts = answer.otherRaw { other.add(object: parts) }
        writer.asked(context.asked)
        if writer.token(.response, answer.responseRaw) > 0 { other.add(.response, answer.responseRaw) }
        if writer.token(.reasoning, answer.reasoningRaw) > 0 { other.add(.reasoning, answer.reasoningRaw) }
        writer.text(.value, answer.valueRaw ?? [])
        writer.text(.valueFound, answer.valueFound)
        writer.text(.toolCalls, answer.toolCallsRaw ?? [])
        writer.text(.finishReason, answer.finishReason)
        writer.token(.model, answer.modelRaw)
        writer.usage(.usage, answer.usage)
        let form = costs.form(of: cost, bytes: writer.bytes.count)
        writer.dollars(.cost, nanodollars: form == .member ? cost : nil)
        if form == .besides { other.add(cost: cost) }
        if let place = answer.reusedFrom {
            other.add(.reused, place)
        } else if let server = server(of: outcome) {
            other.add(.endpoint, server)
        }
        if let share = answer.share { other.add(share) }
        if let time = outcome.firstToken { other.add(.firstToken, Int(time.milliseconds)) }
        writer.text(.prices, answer.reusedFrom == nil ? priceList(Bill(answer), cost) : "")
        let isInRounds = answer.verdictRaw != nil
        let earlier = outcome.rounds
        writer.integer(.rounds, Int(earlier.count) + (isInRounds ? 0 : 1))
        let inAll = cost.map { isInRounds ? earlier.nanodollars : earlier.nanodollars.addingSaturated($0) }
        writer.dollars(.roundsCost, nanodollars: form == .member ? inAll : nil)
        writer.text(.verdict, answer.verdictRaw ?? [])
        writer.integer(.latency, Int(outcome.latency.milliseconds))
        writer.integer(.created, Int(now()))
        writer.text(.metadata, context.metadata)
        if other.hasReplaced { replaced.withLock { $0 += 1 } }
        writer.text(.other, other.json)
        writer.text(.answerBody, keepsBody ? answer.body : [])
        return writer.finished
    }

    private func members(
        of failure: ItemFailure, asked: [UInt8], latency: Interval, request: ModelRequest, metadata: [UInt8],
        cost: Int?, rounds: RoundsSoFar
    ) -> [UInt8] {
        var writer = RecordWriter(
            .failures, capacity: asked.count + 2 * request.body.count + failure.body.count + metadata.count + 512)
        writer.asked(asked)
        writer.usage(.usage, failure.bill?.usage ?? TokenUsage())
        writer.dollars(.cost, nanodollars: cost)
        writer.text(.prices, failure.bill.map { priceList($0, cost) } ?? "")
        writer.integer(.rounds, Int(rounds.count) + (failure.bill == nil ? 0 : 1))
        writer.dollars(.roundsCost, nanodollars: cost.map { rounds.nanodollars.addingSaturated($0) })
        writer.text(.verdict, failure.verdict)
        writer.text(.error, failure.message)
        writer.integer(.httpStatus, failure.status)
        writer.text(.body, failure.body)
        writer.integer(.latency, Int(latency.milliseconds))
        writer.integer(.created, Int(now()))
        writer.request(.request, path: request.path, body: request.body)
        writer.text(.metadata, metadata)
        return writer.finished
    }
}
