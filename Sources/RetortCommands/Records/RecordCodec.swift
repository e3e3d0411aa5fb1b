import Basics
import JSONText
import ModelAPI
import PromptSource
import ResponseGenerator
import SegmentStore

/// Turns outcomes into records. Field types never vary: an absent text is the empty string, an absent object is empty.
struct RecordCodec: Sendable {
    static let failureClasses = FailureClass.allCases.map(\.rawValue)
    private static let classNumbers = Dictionary(
        uniqueKeysWithValues: FailureClass.allCases.enumerated().map { ($1, UInt8($0)) })

    /// Whether the API's raw body is kept in each success.
    var keepsBody: Bool
    /// Seconds since 1970 for the records' `created`.
    var now: @Sendable () -> Int64 = { wallClockSeconds() }

    func record(_ outcome: Outcome<ItemContext>) -> NewRecord {
        let context = outcome.context
        var members: [UInt8] = []
        var status = RecordStatus.ok
        var tallies = Tallies()
        switch outcome.result {
        case .answer(let answer):
            members.reserveCapacity(context.asked.count + answer.body.count + context.metadata.count + 256)
            appendAnswer(answer, outcome, to: &members)
            tallies = RecordTallies.of(answer, latency: outcome.latency, price: context.price)
        case .failure(let failure):
            status = .failed(classIndex: Self.classNumbers[failure.failureClass]!)
            appendFailure(
                failure, asked: context.asked, latency: outcome.latency, request: context.request,
                metadata: context.metadata, to: &members)
        }
        return NewRecord(
            key: context.key, status: status, attempts: UInt32(clamping: outcome.attempts), row: context.row,
            fingerprint: context.fingerprint, members: members, tallies: tallies)
    }

    /// The record of a row that could not be understood.
    func record(badRow row: Row, _ error: RetortError, key: RecordKey) -> NewRecord {
        var members: [UInt8] = []
        let failure = ItemFailure(.badInput, error.description, body: row.excerpt)
        appendFailure(
            failure, asked: Array(#""prompt":"""#.utf8), latency: .zero,
            request: ModelRequest(path: "", body: Array("{}".utf8)), metadata: Array("{}".utf8), to: &members)
        return NewRecord(
            key: key, status: .failed(classIndex: Self.classNumbers[.badInput]!), attempts: 0, row: row.number,
            fingerprint: 0, members: members)
    }

    private func appendAnswer(_ answer: ModelAnswer, _ outcome: Outcome<ItemContext>, to members: inout [UInt8]) {
        func text(_ text: StaticString) {
            text.withUTF8Buffer { members.append(contentsOf: $0) }
        }
        func number(_ value: Int) { Decimal.append(value, to: &members) }
        members.append(contentsOf: outcome.context.asked)
        text(#","response":"#)
        members.append(contentsOf: answer.responseRaw)
        text(#","reasoning":"#)
        members.append(contentsOf: answer.reasoningRaw)
        if let calls = answer.toolCallsRaw {
            text(#","tool_calls":"#)
            JSONString.append(calls, to: &members)
        }
        text(#","finish_reason":"#)
        JSONString.append(answer.finishReason, to: &members)
        text(#","model":"#)
        members.append(contentsOf: answer.modelRaw)
        text(#","usage":{"prompt_tokens":"#)
        number(answer.usage.prompt)
        text(#","completion_tokens":"#)
        number(answer.usage.completion)
        text(#","reasoning_tokens":"#)
        number(answer.usage.reasoning)
        text(#","cached_tokens":"#)
        number(answer.usage.cached)
        text(#"},"cost_usd":"#)
        Money.append(outcome.context.price?.nanodollars(of: answer.usage) ?? 0, to: &members)
        text(#","latency_ms":"#)
        number(Int(outcome.latency.milliseconds))
        text(#","created":"#)
        number(Int(now()))
        text(#","metadata":"#)
        members.append(contentsOf: outcome.context.metadata)
        if keepsBody {
            text(#","body":"#)
            JSONString.append(answer.body, to: &members)
        }
    }

    private func appendFailure(
        _ failure: ItemFailure, asked: [UInt8], latency: Interval, request: ModelRequest, metadata: [UInt8],
        to members: inout [UInt8]
    ) {
        func text(_ text: StaticString) {
            text.withUTF8Buffer { members.append(contentsOf: $0) }
        }
        members.append(contentsOf: asked)
        text(#","error":"#)
        JSONString.append(failure.message, to: &members)
        text(#","http_status":"#)
        Decimal.append(failure.status, to: &members)
        text(#","body":"#)
        JSONString.append(failure.body, to: &members)
        text(#","latency_ms":"#)
        Decimal.append(Int(latency.milliseconds), to: &members)
        text(#","created":"#)
        Decimal.append(Int(now()), to: &members)
        text(#","request":{"path":"#)
        JSONString.append(request.path, to: &members)
        // Line feeds between JSON tokens of a request that is sent as it was written would end the record.
        text(#","body":"#)
        members.append(contentsOf: request.body.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 })
        text(#"},"metadata":"#)
        members.append(contentsOf: metadata)
    }
}
