import Basics
import JSONText

/// Mistral's batch jobs (https://docs.mistral.ai/api/#tag/batch). They use OpenAI's files, with lines that have no
/// `url`.
extension BatchDesk {
    func createMistral(_ body: [UInt8], at now: Instant, date: Int64) throws(APIError) -> Reply {
        guard let root = try? parser.parse(body).root, root.kind == .object else {
            throw APIError(422, "invalid_request_error", "The request body is not a JSON object.")
        }
        guard let fileID = root["input_files"]?.firstElement?.string, let model = root["model"]?.string, !model.isEmpty,
            let endpoint = root["endpoint"]?.string, endpoint == "/v1/chat/completions",
            root["timeout_hours"]?.int.map({ (1...168).contains($0) }) ?? true
        else { throw APIError(422, "invalid_request_error", "A batch job needs input_files, endpoint and model.") }
        let file = files[try file(fileID)]
        if faults.take(.tokenLimit) {
            throw APIError(429, "rate_limited", code: "token_limit_exceeded", "Too many tokens are in the queue.")
        }
        var job = BatchJob(
            number: jobs.count + 1, id: identifier("job-"), isMessages: false, endpoint: endpoint, inputFile: fileID,
            name: file.name, created: date, begun: now, duration: duration)
        job.mistralModel = model
        if let metadata = root["metadata"] { job.metadata = Array(metadata.raw) }
        try take(file.bytes, model, into: &job)
        let index = begin(job)
        var reply = Reply(body: mistralJSON(jobs[index]))
        if faults.take(.lostCreate) { reply.ending = .reset(after: 0) }
        return reply
    }

    /// Parses the lines; each gets the job's model.
    private func take(_ bytes: [UInt8], _ model: String, into job: inout BatchJob) throws(APIError) {
        var name: [UInt8] = []
        JSONString.append(model, to: &name)
        for line in bytes.split(separator: 0x0A) {
            guard let root = try? parser.parse(line).root, let body = root["body"], body.kind == .object,
                root["method"] == nil, root["url"] == nil, body["model"] == nil,
                let customID = root["custom_id"]?.rawStringContent
            else { throw APIError(422, "invalid_request_error", "A line is not {custom_id, body}.") }
            let start = job.source.count
            job.source += Array(#"{"model":"#.utf8) + name + Array(",".utf8) + body.raw.dropFirst()
            job.lines.append(
                BatchJob.Line(customID: Array(customID), body: start..<job.source.count, endpoint: .chat))
        }
        guard !job.lines.isEmpty, job.lines.count <= requestsMax else {
            throw APIError(422, "invalid_request_error", "The file holds no request, or too many.")
        }
    }

    func listMistral(page: Int, size: Int) -> Reply {
        let all = Array(jobs.filter { $0.mistralModel != nil }.reversed())
        return pageOf(all.map(mistralJSON), page: page, size: size)
    }

    /// A page of the files, by page number.
    func listFiles(page: Int, size: Int, purpose: String?) -> Reply {
        let wanted = files.filter { purpose == nil || $0.purpose == purpose }
        return pageOf(wanted.reversed().map(json), page: page, size: size)
    }

    private func pageOf(_ all: [[UInt8]], page: Int, size: Int) -> Reply {
        let start = min(page.multipliedReportingOverflow(by: size).partialValue, all.count)
        var output = Array(#"{"object":"list","total":\#(all.count),"data":["#.utf8)
        output += all[max(0, start)...].prefix(size).joined(separator: [UInt8(ascii: ",")])
        return Reply(body: output + Array("]}".utf8))
    }

    func mistralJSON(_ job: BatchJob) -> [UInt8] {
        var output = Array(#"{"id":"\#(job.id)","object":"batch","input_files":["\#(job.inputFile)"],"metadata":"#.utf8)
        output += job.metadata + Array(#","endpoint":"\#(job.endpoint)","model":"#.utf8)
        JSONString.append(job.mistralModel ?? "", to: &output)
        func file(_ id: String?) -> String { id.map { "\"\($0)\"" } ?? "null" }
        let state =
            switch job.state {
            case .running: job.isCancelling ? "CANCELLATION_REQUESTED" : "RUNNING"
            case .completed: "SUCCESS"
            case .expired: "TIMEOUT_EXCEEDED"
            case .cancelled: "CANCELLED"
            case .failed: "FAILED"
            }
        let numbers = [
            ("total_requests", job.lines.count), ("completed_requests", job.succeeded + job.errored),
            ("succeeded_requests", job.succeeded), ("failed_requests", job.errored),
        ]
        output += Array(
            (#","output_file":\#(file(job.outputFile)),"error_file":\#(file(job.errorFile)),"errors":[],"#
                + #""status":"\#(state)","created_at":\#(job.created),"completed_at":\#(job.ended.map(String.init) ?? "null")"#)
                .utf8)
        for (name, number) in numbers { output += Array(",\"\(name)\":\(number)".utf8) }
        return output + Array("}".utf8)
    }
}
