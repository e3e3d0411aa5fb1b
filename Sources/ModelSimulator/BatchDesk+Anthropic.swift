import Basics
import JSONText

/// Anthropic's message batches (https://docs.anthropic.com/en/api/creating-message-batches).
extension BatchDesk {
    func createMessages(_ body: [UInt8], at now: Instant, date: Int64) throws(APIError) -> Reply {
        guard let root = try? parser.parse(body).root, let requests = root["requests"], requests.kind == .array else {
            throw .invalidRequest("requests: Field required")
        }
        if faults.take(.tokenLimit) {
            throw .rateLimited("Too many requests are in the queue of this account.")
        }
        var job = BatchJob(
            number: jobs.count + 1, id: identifier("msgbatch_"), isMessages: true, created: date, begun: now,
            duration: duration)
        var names: Set<[UInt8]> = []
        for element in requests.elements {
            guard let name = element["custom_id"]?.rawStringContent, Self.isLegal(name), let params = element["params"]
            else { throw .invalidRequest("requests: custom_id must match ^[a-zA-Z0-9_-]{1,64}$, with params") }
            guard names.insert(Array(name)).inserted else {
                throw .invalidRequest("requests: duplicate custom_id '\(String(decoding: name, as: UTF8.self))'")
            }
            job.lines.append(BatchJob.Line(customID: Array(name), body: params.range, endpoint: .messages))
        }
        guard !job.lines.isEmpty else { throw .invalidRequest("requests: at least one is needed") }
        guard job.lines.count <= requestsMax else { throw .tooLarge }
        job.source = body
        let index = begin(job)
        var reply = Reply(body: messageJSON(jobs[index]))
        if faults.take(.lostCreate) { reply.ending = .reset(after: 0) }
        return reply
    }

    private static func isLegal(_ name: ArraySlice<UInt8>) -> Bool {
        (1...64).contains(name.count)
            && name.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    func listMessages(after: String?, limit: Int?) -> Reply {
        let all = jobs.filter(\.isMessages)
        let (page, hasMore) = Self.page(all, after: after, limit: min(max(limit ?? 20, 1), 1000)) { $0.id }
        var output = Array(#"{"data":["#.utf8)
        output += page.map(messageJSON).joined(separator: [UInt8(ascii: ",")])
        let first = page.first.map { "\"\($0.id)\"" } ?? "null"
        let last = page.last.map { "\"\($0.id)\"" } ?? "null"
        output += Array(#"],"has_more":\#(hasMore),"first_id":\#(first),"last_id":\#(last)}"#.utf8)
        return Reply(body: output)
    }

    func messageResults(_ id: String) throws(APIError) -> Reply {
        let index = try job(id)
        guard jobs[index].state != .running else {
            throw APIError(404, "not_found_error", "The results of this batch are not available yet.")
        }
        var reply = Reply(body: jobs[index].output)
        reply.contentType = "application/x-jsonl"
        if jobs[index].faults.remove(.brokenFile) != nil { reply.ending = .reset(after: reply.body.count / 2) }
        return reply
    }

    func cancelMessages(_ id: String, at now: Instant, date: Int64, answer: Answer) throws(APIError) -> Reply {
        let index = try job(id)
        cancel(index, at: now, date: date, answer: answer)
        return Reply(body: messageJSON(jobs[index]))
    }

    func deleteMessages(_ id: String) throws(APIError) -> Reply {
        let index = try job(id)
        guard jobs[index].state != .running else { throw .invalidRequest("The batch is still in progress.") }
        jobs.remove(at: index)
        return Reply(body: Array(#"{"id":"\#(id)","type":"message_batch_deleted"}"#.utf8))
    }

    func writeMessage(_ outcome: BatchJob.Outcome, of line: BatchJob.Line, to job: inout BatchJob) {
        var text = Array(#"{"custom_id":""#.utf8) + line.customID + Array(#"","result":{"type":""#.utf8)
        switch outcome {
        case .answered(200, let body): text += Array(#"succeeded","message":"#.utf8) + body + Array("}}\n".utf8)
        case .answered(_, let body): text += Array(#"errored","error":"#.utf8) + body + Array("}}\n".utf8)
        case .expired: text.append(text: "expired\"}}\n")
        case .cancelled: text.append(text: "canceled\"}}\n")
        }
        job.output += text
    }

    func messageJSON(_ job: BatchJob) -> [UInt8] {
        let isOver = job.state != .running
        func time(_ seconds: Int64?) -> String { seconds.map { "\"\(Self.date($0))\"" } ?? "null" }
        let counts =
            #"{"processing":\#(isOver ? 0 : job.lines.count),"succeeded":\#(job.succeeded),"errored":\#(job.errored),"#
            + #""canceled":\#(job.cancelled),"expired":\#(job.expired)}"#
        let state = isOver ? "ended" : job.isCancelling ? "canceling" : "in_progress"
        let results = isOver ? #""http://\#(host)/v1/messages/batches/\#(job.id)/results""# : "null"
        return Array(
            (#"{"id":"\#(job.id)","type":"message_batch","processing_status":"\#(state)","#
                + #""request_counts":\#(counts),"ended_at":\#(time(job.ended)),"created_at":\#(time(job.created)),"#
                + #""expires_at":\#(time(job.created + Self.windowSeconds)),"archived_at":null,"#
                + #""cancel_initiated_at":\#(time(job.state == .cancelled ? job.ended : nil)),"#
                + #""results_url":\#(results)}"#).utf8)
    }

    /// RFC 3339 in UTC.
    static func date(_ seconds: Int64) -> String {
        func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        // Days since 0000-03-01, by the civil calendar (H. Hinnant, chrono-compatible date algorithms).
        let days = seconds / 86_400 + 719_468
        let (era, rest) = (days / 146_097, days % 146_097)
        let yearOfEra = (rest - rest / 1460 + rest / 36_524 - rest / 146_096) / 365
        let dayOfYear = rest - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let (day, month) = (dayOfYear - (153 * shifted + 2) / 5 + 1, shifted < 10 ? shifted + 3 : shifted - 9)
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let second = seconds % 86_400
        return "\(year)-\(two(month))-\(two(day))T\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60))Z"
    }
}
