import Basics
import JSONText

/// OpenAI's files and batches (https://platform.openai.com/docs/api-reference/batch).
extension BatchDesk {
    private static let endpoints: [String: CompletionRequest.Endpoint] = [
        "/v1/chat/completions": .chat, "/v1/completions": .completions, "/v1/responses": .responses,
    ]

    func upload(
        _ body: [UInt8], contentType: String?, _ form: ProviderForm, date: Int64
    ) throws(APIError) -> Reply {
        guard let parts = MultipartForm(body, contentType: contentType) else {
            throw .invalidRequest("The body is not multipart/form-data.")
        }
        guard let part = parts["file"], let name = part.fileName else {
            throw .invalidRequest("'file' is a required property", param: "file")
        }
        guard let purpose = parts["purpose"].map({ String(decoding: body[$0.range], as: UTF8.self) }) else {
            throw .invalidRequest("'purpose' is a required property", param: "purpose")
        }
        var file = File(
            id: identifier("file-"), name: name, purpose: purpose, bytes: Array(body[part.range]), created: date)
        file.isPending = form == .azure
        files.append(file)
        var reply = Reply(body: json(file))
        if faults.take(.lostUpload) { reply.ending = .reset(after: 0) }
        return reply
    }

    func listFiles(after: String?, limit: Int?, purpose: String?) -> Reply {
        let wanted = files.filter { purpose == nil || $0.purpose == purpose }
        let (page, hasMore) = Self.page(wanted, after: after, limit: min(max(limit ?? 10_000, 1), 10_000)) { $0.id }
        return list(page.map(json), first: page.first?.id, last: page.last?.id, hasMore)
    }

    /// The description of a file. A pending file is ready at the next call.
    func look(at id: String) throws(APIError) -> Reply {
        let index = try file(id)
        let reply = Reply(body: json(files[index]))
        files[index].isPending = false
        return reply
    }

    func deleteFile(_ id: String) throws(APIError) -> Reply {
        files.remove(at: try file(id))
        return Reply(body: Array(#"{"id":"\#(id)","object":"file","deleted":true}"#.utf8))
    }

    func content(_ id: String) throws(APIError) -> Reply {
        let index = try file(id)
        var reply = Reply(body: files[index].bytes)
        reply.contentType = "application/octet-stream"
        if files[index].breaks {
            files[index].breaks = false
            reply.ending = .reset(after: reply.body.count / 2)
        }
        return reply
    }

    func json(_ file: File) -> [UInt8] {
        var output = Array(#"{"id":"\#(file.id)","object":"file","bytes":\#(file.bytes.count),"#.utf8)
        output += Array(#""created_at":\#(file.created),"filename":"#.utf8)
        JSONString.append(file.name, to: &output)
        output.append(text: #","purpose":"#)
        JSONString.append(file.purpose, to: &output)
        output.append(text: file.isPending ? #","status":"pending"}"# : #","status":"processed"}"#)
        return output
    }

    private func list(_ elements: [[UInt8]], first: String?, last: String?, _ hasMore: Bool) -> Reply {
        var output = Array(#"{"object":"list","data":["#.utf8)
        output += elements.joined(separator: [UInt8(ascii: ",")])
        output.append(text: #"],"first_id":"#)
        output += quoted(first)
        output.append(text: #","last_id":"#)
        output += quoted(last)
        output += Array(#","has_more":\#(hasMore)}"#.utf8)
        return Reply(body: output)
    }

    func quoted(_ text: String?) -> [UInt8] {
        guard let text else { return Array("null".utf8) }
        var output: [UInt8] = []
        JSONString.append(text, to: &output)
        return output
    }

    func create(_ body: [UInt8], _ form: ProviderForm, at now: Instant, date: Int64) throws(APIError) -> Reply {
        guard let root = try? parser.parse(body).root, root.kind == .object else {
            throw .invalidRequest("The request body is not a JSON object.")
        }
        guard let fileID = root["input_file_id"]?.string else {
            throw .invalidRequest("Missing required parameter: 'input_file_id'.", param: "input_file_id")
        }
        let file = files[try file(fileID)]
        // Together uses OpenAI's paths; the purpose of the file identifies it.
        let form = file.purpose == ProviderForm.togethersPurpose ? .together : form
        guard let url = root["endpoint"]?.string, form.endpoint(url, Self.endpoints) != nil else {
            throw .invalidRequest("Invalid value for 'endpoint'.", param: "endpoint")
        }
        let windows = form == .groq ? ["24h", "7d"] : ["24h"]
        guard let window = root["completion_window"]?.string, windows.contains(window) else {
            throw .invalidRequest("Invalid value: 'completion_window' must be '24h'.", param: "completion_window")
        }
        if let name = form.unknownMember(of: root) { throw .invalidRequest("Unknown name \"\(name)\".", param: name) }
        guard form == .together || file.purpose == "batch" else {
            throw .invalidRequest("The file's purpose must be 'batch'.")
        }
        guard !file.isPending else { throw .invalidRequest("The file is not processed yet.") }
        var job = BatchJob(
            number: jobs.count + 1, id: identifier(form == .gemini ? "batches/" : "batch_"), isMessages: false,
            endpoint: url, inputFile: fileID, name: file.name, created: date, begun: now, duration: duration)
        job.form = form
        if let metadata = root["metadata"] { job.metadata = Array(metadata.raw) }
        job.source = file.bytes
        if faults.take(.tokenLimit) {
            let message = "Enqueued token limit reached. Please try again once some in_progress batches have completed."
            guard form != .gemini else { throw APIError(429, "RESOURCE_EXHAUSTED", message) }
            job.state = .failed(code: "token_limit_exceeded", message: message)
            job.source = []
            jobs.append(job)
            return Reply(body: told(job, at: now))
        }
        do throws(APIError) { job.lines = try lines(of: job) } catch {
            job.state = .failed(code: error.code ?? "invalid_json_line", message: error.message)
        }
        let index = begin(job)
        var reply = Reply(body: told(jobs[index], at: now))
        if faults.take(.lostCreate) { reply.ending = .reset(after: 0) }
        return reply
    }

    /// The description of a batch that was just created.
    private func told(_ job: BatchJob, at now: Instant) -> [UInt8] {
        let text = json(job, at: now)
        return job.form == .together ? Array(#"{"job":"#.utf8) + text + Array("}".utf8) : text
    }

    private func lines(of job: BatchJob) throws(APIError) -> [BatchJob.Line] {
        var lines: [BatchJob.Line] = []
        var names: Set<[UInt8]> = []
        var start = 0
        let bytes = job.source
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
            defer { start = end + 1 }
            if end == start { continue }
            guard let root = try? parser.parse(bytes[start..<end]).root, let body = root["body"],
                let name = root["custom_id"]?.rawStringContent, root["method"]?.string == "POST"
            else { throw APIError(400, "", code: "invalid_json_line", "A line is not a request.") }
            guard let url = root["url"]?.string, url == job.endpoint,
                let endpoint = job.form.endpoint(url, Self.endpoints)
            else {
                throw APIError(400, "", code: "mismatched_endpoint", "A line's url is not the batch's endpoint.")
            }
            guard names.insert(Array(name)).inserted else {
                throw APIError(400, "", code: "duplicate_custom_id", "A custom_id is there twice.")
            }
            let range = start + body.range.lowerBound..<start + body.range.upperBound
            lines.append(BatchJob.Line(customID: Array(name), body: range, endpoint: endpoint))
        }
        guard !lines.isEmpty else { throw APIError(400, "", code: "empty_file", "The file holds no request.") }
        guard lines.count <= requestsMax else {
            throw APIError(400, "", code: "too_many_requests", "The file holds more than \(requestsMax) requests.")
        }
        return lines
    }

    func listBatches(_ form: ProviderForm, after: String?, limit: Int?, at now: Instant) throws(APIError) -> Reply {
        // Gemini lists batches only in its own API.
        guard form != .gemini else { throw .unknownPath }
        let all = jobs.filter { !$0.isMessages && $0.mistralModel == nil && $0.form != .gemini }
        guard all.last?.form != .together else {
            let texts = all.reversed().map { json($0, at: now) }
            return Reply(body: Array("[".utf8) + texts.joined(separator: [UInt8(ascii: ",")]) + Array("]".utf8))
        }
        let (page, hasMore) = Self.page(all, after: after, limit: min(max(limit ?? 20, 1), 100)) { $0.id }
        return list(page.map { json($0, at: now) }, first: page.first?.id, last: page.last?.id, hasMore)
    }

    func cancel(_ id: String, at now: Instant, date: Int64, answer: Answer) throws(APIError) -> Reply {
        let index = try job(id)
        cancel(index, at: now, date: date, answer: answer)
        return Reply(body: json(jobs[index], at: now))
    }

    /// Successful lines go to the output file, failed ones to the error file.
    func writeLine(_ outcome: BatchJob.Outcome, of line: BatchJob.Line, to job: inout BatchJob) {
        if case .cancelled = outcome { return }
        if case .expired = outcome, job.mistralModel != nil || job.form == .gemini { return }
        var text = Array(#"{"id":"\#(identifier("batch_req_"))","custom_id":""#.utf8) + line.customID
        text.append(text: #"","response":"#)
        if case .answered(let status, let body) = outcome {
            text += Array(#"{"status_code":\#(status),"request_id":"\#(identifier("req_"))","body":"#.utf8) + body
            text.append(text: #"},"error":null}"#)
        } else {
            text.append(text: #"null,"error":{"code":"batch_expired","#)
            text.append(
                text: #""message":"This request could not be executed before the completion window expired."}}"#)
        }
        text.append(0x0A)
        if case .answered(200, _) = outcome { job.output += text } else { job.errors += text }
    }

    /// Makes files of the results.
    func store(_ job: inout BatchJob, date: Int64) {
        func file(_ bytes: [UInt8], _ kind: String) -> String? {
            guard !bytes.isEmpty else { return nil }
            let file = File(
                id: identifier(job.form == .gemini ? "files/batch-" : "file-"), name: "\(job.id)_\(kind).jsonl",
                purpose: "batch_output", bytes: bytes,
                created: date, breaks: job.faults.contains(.brokenFile))
            files.append(file)
            return file.id
        }
        job.outputFile = file(job.output, "output")
        job.errorFile = file(job.errors, "error")
        (job.output, job.errors) = ([], [])
    }

    func json(_ job: BatchJob, at now: Instant) -> [UInt8] {
        if job.form == .together { return togetherJSON(job, at: now) }
        var output = Array(#"{"id":"\#(job.id)","object":"batch","endpoint":"\#(job.endpoint)","errors":"#.utf8)
        if case .failed(let code, let message) = job.state {
            output.append(text: #"{"object":"list","data":[{"code":"#)
            output += quoted(code)
            output.append(text: #","message":"#)
            output += quoted(message)
            output.append(text: #","param":null,"line":null}]}"#)
        } else {
            output.append(text: "null")
        }
        output += Array(#","input_file_id":"\#(job.inputFile)","completion_window":"24h","status":"#.utf8)
        output += quoted(job.stateName)
        output.append(text: #","output_file_id":"#)
        output += quoted(job.outputFile)
        output.append(text: #","error_file_id":"#)
        output += quoted(job.errorFile)
        func time(_ name: String, _ value: Int64?) {
            output += Array(",\"\(name)\":\(value.map(String.init) ?? "null")".utf8)
        }
        time("created_at", job.created)
        time("in_progress_at", job.created)
        time("expires_at", job.created + Self.windowSeconds)
        for state in ["completed", "expired", "cancelled"] {
            time("\(state)_at", job.stateName == state ? job.ended : nil)
        }
        let isOver = job.state != .running
        let completed = isOver ? job.succeeded : job.progress(at: now)
        output += Array(
            #","request_counts":{"total":\#(job.lines.count),"completed":\#(completed),"failed":\#(job.errored)}"#.utf8)
        if job.form != .gemini { output += Array(#","metadata":"#.utf8) + job.metadata }
        output.append(text: "}")
        return output
    }
}
