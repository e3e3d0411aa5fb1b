public import JSONText
public import ModelAPI

/// OpenAI's files and batches (https://platform.openai.com/docs/api-reference/batch), also served by Azure, Groq,
/// Together and self-hosted servers.
public struct OpenAIBatches: BatchDialect {
    public let limits: BatchLimits
    private let form: OpenAIForm

    public init(limits: BatchLimits = .openAI, form: OpenAIForm = .openAI) {
        self.limits = limits
        self.form = form
    }

    public let name = "the batch API"
    public let hasFiles = true

    private static let paths = ["/chat/completions", "/completions", "/responses"]

    public func takes(path: String) -> Bool { Self.paths.contains(path) }

    public func line(customID: String, _ request: ModelRequest) -> [UInt8] {
        let head = #"{"custom_id":"\#(customID)","method":"POST","url":"\#(form.prefix + request.path)","body":"#
        return Array(head.utf8) + OneLine.text(request.body) + Array("}".utf8)
    }

    /// Separates the parts of the upload. It cannot occur in a body, because no line of JSON begins with hyphens.
    private static let boundary = "----retort-7d1f0b5c93e84a26"

    public func upload(_ title: BatchTitle) -> BatchCall {
        var members = [("purpose", form.purpose)]
        if form.namesFile { members += [("file_name", title.name), ("file_type", "jsonl")] }
        let head =
            members.map {
                "--\(Self.boundary)\r\nContent-Disposition: form-data; name=\"\($0)\"\r\n\r\n\($1)\r\n"
            }.joined()
            + "--\(Self.boundary)\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\(title.name)\"\r\n"
            + "Content-Type: application/jsonl\r\n\r\n"
        return call(
            "POST", form.uploadPath, contentType: "multipart/form-data; boundary=\(Self.boundary)",
            body: .upload(head: Array(head.utf8), tail: Array("\r\n--\(Self.boundary)--\r\n".utf8)))
    }

    private func call(
        _ method: String, _ path: String, query: String = "", contentType: String = "application/json",
        body: BatchCall.Body = .none
    ) -> BatchCall {
        var call = BatchCall(method, path, query: query, contentType: contentType, body: body)
        call.cut = form.cut
        return call
    }

    public func listFiles(after: String?) -> BatchCall {
        call("GET", "/files", query: "purpose=\(form.purpose)&limit=1000" + (after.map { "&after=\($0)" } ?? ""))
    }

    public func create(_ title: BatchTitle, file: String?) -> BatchCall {
        var body = Array(#"{"input_file_id":"#.utf8)
        JSONString.append(file ?? "", to: &body)
        body += Array(#","endpoint":"\#(form.prefix + title.path)","completion_window":"#.utf8)
        JSONString.append(title.window, to: &body)
        if form.hasMetadata {
            body += Array(#","metadata":{"retort":"#.utf8)
            JSONString.append(title.name, to: &body)
            body.append(UInt8(ascii: "}"))
        }
        return call("POST", "/batches", body: .bytes(body + Array("}".utf8)))
    }

    public func listBatches(after: String?) -> BatchCall {
        call("GET", "/batches", query: "limit=100" + (after.map { "&after=\($0)" } ?? ""))
    }

    public func look(_ id: String) -> BatchCall { call("GET", "/batches/\(id)") }
    public func cancel(_ id: String) -> BatchCall { call("POST", "/batches/\(id)/cancel") }
    public func download(_ path: String) -> BatchCall { call("GET", path) }

    public func lookAtFile(_ id: String) -> BatchCall? { form.checksFiles ? call("GET", "/files/\(id)") : nil }

    public func readiness(_ reply: JSONValue) -> FileReadiness {
        switch reply["status"]?.string?.lowercased() {
        case "pending", "running", "uploaded", "notrunning": .notYet
        case "error", "failed", "cancelled", "canceled", "deleted":
            .refused(reply["status_details"]?.string ?? reply["error"]?["message"]?.string ?? "its file was refused")
        default: .ready
        }
    }

    public func file(_ reply: JSONValue) -> String? { BatchNames.checked(reply["id"]?.string) }

    public func files(_ reply: JSONValue, after: String?) -> BatchPage<(id: String, name: String)> {
        var found: [(id: String, name: String)] = []
        for element in (reply["data"] ?? reply).elements {
            guard let id = file(element), let name = element["filename"]?.string else { continue }
            found.append((id, name))
        }
        return BatchPage(found, next: Self.next(reply, last: found.last?.id))
    }

    private static func next(_ reply: JSONValue, last: String?) -> String? {
        reply["has_more"]?.bool == true ? BatchNames.checked(reply["last_id"]?.string) ?? last : nil
    }

    public func batch(_ reply: JSONValue) -> BatchView? {
        // Together wraps the created batch in a `job` member.
        let reply = reply["job"] ?? reply
        guard var view = view(of: reply, id: BatchNames.checked(reply["id"]?.string)) else { return nil }
        view.name = reply["metadata"]?["retort"]?.string
        for name in [reply["output_file_id"]?.string, reply["error_file_id"]?.string] {
            if let name = BatchNames.checked(name) { view.results.append("/files/\(name)/content") }
        }
        return view
    }

    /// Reads a batch in this form, except its name and its results. Nil without a usable id.
    func view(of reply: JSONValue, id: String?) -> BatchView? {
        guard let id, let status = reply["status"]?.string else { return nil }
        var view = BatchView(id: id)
        view.end = end(status, reply)
        let counts = reply["request_counts"]
        view.total = BatchNumber.of(counts?["total"])
        view.succeeded = BatchNumber.of(counts?["completed"])
        view.failed = BatchNumber.of(counts?["failed"])
        view.created = Self.seconds(reply["created_at"])
        view.expires = Self.seconds(reply["expires_at"] ?? reply["job_deadline"])
        view.inputFile = reply["input_file_id"]?.string
        return view
    }

    /// Seconds as a number, or a date as a string, as Together writes it.
    private static func seconds(_ value: JSONValue?) -> Int {
        guard let moment = value?.string.flatMap(RFC3339.seconds) else { return BatchNumber.of(value) }
        return BatchNumber.clamped(Int(clamping: moment))
    }

    private func end(_ status: String, _ reply: JSONValue) -> BatchEnd? {
        switch status.lowercased() {
        case "completed": return .completed
        case "expired": return .expired
        case "cancelled", "canceled": return .cancelled
        case "failed":
            let first = reply["errors"]?["data"]?.firstElement
            return .failed(
                code: first?["code"]?.string ?? "failed",
                message: first?["message"]?.string ?? "the provider gives no reason")
        default: return nil
        }
    }

    public func batches(_ reply: JSONValue, after: String?) -> BatchPage<BatchView> {
        let found = (reply["data"] ?? reply).elements.compactMap(batch)
        return BatchPage(found, next: Self.next(reply, last: found.last?.id))
    }

    public func result(_ line: JSONValue) -> BatchResult? {
        guard let name = line["custom_id"]?.string else { return nil }
        if let response = line["response"], response.kind == .object {
            // Old versions of vLLM put the answer there, without a status.
            let body = response["body"]
            guard let status = response["status_code"]?.int else {
                return BatchResult(customID: name, kind: .reply(status: 200, body: Array((body ?? response).raw)))
            }
            return BatchResult(customID: name, kind: .reply(status: status, body: body.map { Array($0.raw) } ?? []))
        }
        let error = line["error"]
        switch error?["code"]?.string {
        case "batch_expired": return BatchResult(customID: name, kind: .expired)
        case "batch_cancelled", "batch_canceled": return BatchResult(customID: name, kind: .cancelled)
        default:
            return BatchResult(
                customID: name, kind: .failed(message: error?["message"]?.string ?? "the provider gives no reason"))
        }
    }
}

/// Checks names from a provider, which are inserted into URLs.
enum BatchNames {
    static let lengthMax = 256

    /// Nil for a name that would change the URL.
    static func checked(_ name: String?) -> String? {
        guard let name, !name.isEmpty, name.utf8.count <= lengthMax, name != ".", name != ".." else { return nil }
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        return isPlain ? name : nil
    }
}
