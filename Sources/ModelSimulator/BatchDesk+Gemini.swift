import Basics
import JSONText

/// The parts of Gemini's own batch API (https://ai.google.dev/api/batch-api) that its OpenAI-compatible form lacks.
extension BatchDesk {
    func gemini(
        _ route: GeminiRoute, _ request: Responder.Request, at now: Instant, date: Int64, answer: Answer
    ) throws(APIError) -> Reply {
        switch route {
        case .upload: return try uploadGemini(request.body, contentType: request.contentType, date: date)
        case .listFiles: return page(files.reversed().map(geminiJSON), named: "files", request)
        case .listBatches:
            let all = jobs.filter { $0.form == .gemini }
            return page(all.reversed().map { operation($0, at: now) }, named: "operations", request)
        case .batch(let id): return Reply(body: operation(jobs[try job(id)], at: now))
        case .cancel(let id):
            cancel(try job(id), at: now, date: date, answer: answer)
            return Reply(body: Array("{}".utf8))
        case .download(let id): return try content(id)
        }
    }

    /// The first part describes the second one.
    private func uploadGemini(_ body: [UInt8], contentType: String?, date: Int64) throws(APIError) -> Reply {
        guard let parts = MultipartForm(body, contentType: contentType)?.parts, parts.count == 2,
            let name = (try? parser.parse(body[parts[0].range]).root)?["file"]?["displayName"]?.string
        else { throw .invalidRequest("The body is not multipart/related with a file.") }
        let file = File(
            id: identifier("files/"), name: name, purpose: "batch", bytes: Array(body[parts[1].range]), created: date)
        files.append(file)
        var reply = Reply(body: Array(#"{"file":"#.utf8) + geminiJSON(file) + Array("}".utf8))
        if faults.take(.lostUpload) { reply.ending = .reset(after: 0) }
        return reply
    }

    private func geminiJSON(_ file: File) -> [UInt8] {
        Array(#"{"name":"\#(file.id)","displayName":"#.utf8) + quoted(file.name)
            + Array(
                #","sizeBytes":"\#(file.bytes.count)","createTime":"\#(Self.date(file.created))","state":"ACTIVE"}"#
                    .utf8)
    }

    /// A page token encodes where the next page starts. It has characters that must be escaped in a URL.
    private func page(_ all: [[UInt8]], named name: String, _ request: Responder.Request) -> Reply {
        let start = min(request.pageToken.flatMap { Int($0.dropLast()) } ?? 0, all.count)
        let end = min(start + min(max(request.pageSize ?? 50, 1), 100), all.count)
        var output = Array("{".utf8)
        // Empty fields are omitted.
        if start < end {
            output +=
                Array("\"\(name)\":[".utf8) + all[start..<end].joined(separator: [UInt8(ascii: ",")]) + Array("]".utf8)
        }
        if end < all.count { output += Array(",\"nextPageToken\":\"\(end)=\"".utf8) }
        return Reply(body: output + Array("}".utf8))
    }

    private func operation(_ job: BatchJob, at now: Instant) -> [UInt8] {
        let state =
            switch job.state {
            case .running: "RUNNING"
            case .completed: "SUCCEEDED"
            case .expired: "EXPIRED"
            case .cancelled: "CANCELLED"
            case .failed: "FAILED"
            }
        let isOver = job.state != .running
        var text =
            #"{"name":"\#(job.id)","metadata":{"state":"BATCH_STATE_\#(state)","createTime":"\#(Self.date(job.created))","#
            + #""inputConfig":{"fileName":"\#(job.inputFile)"},"batchStats":{"requestCount":"\#(job.lines.count)""#
        if isOver {
            text += #","successfulRequestCount":"\#(job.succeeded)","failedRequestCount":"\#(job.errored)""#
        }
        let output = job.outputFile.map { #"{"responsesFile":"\#($0)"}"# }
        text += #"}\#(output.map { #","output":\#($0)"# } ?? "")},"done":\#(isOver)"#
        if let output { text += #","response":\#(output)"# }
        return Array((text + "}").utf8)
    }
}
