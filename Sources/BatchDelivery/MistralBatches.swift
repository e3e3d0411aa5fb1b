public import JSONText
public import ModelAPI

/// Mistral's files and batch jobs (https://docs.mistral.ai/api/#tag/batch). The job names the model; lists have
/// numbered pages; no file has lines for expired requests.
public struct MistralBatches: BatchDialect {
    public let limits: BatchLimits
    private let files: OpenAIBatches

    public init(limits: BatchLimits = .mistral) {
        self.limits = limits
        files = OpenAIBatches(limits: limits)
    }

    public let name = "Mistral's batch API"
    public let hasFiles = true
    public let tellsExpired = false

    private static let pageSize = 100

    public func takes(path: String) -> Bool { path == "/chat/completions" || path == "/completions" }

    public func line(customID: String, _ request: ModelRequest) -> [UInt8] {
        let body = Self.withoutModel(request.body) ?? request.body
        return Array(#"{"custom_id":"\#(customID)","body":"#.utf8) + OneLine.text(body) + Array("}".utf8)
    }

    /// The members except the model, which the job names; nil if the body is not an object.
    private static func withoutModel(_ body: [UInt8]) -> [UInt8]? {
        guard let root = try? JSONParser().parse(body).root, root.kind == .object else { return nil }
        var output = Array("{".utf8)
        for (key, value) in root.members where !key.isText("model") {
            if output.count > 1 { output.append(UInt8(ascii: ",")) }
            output += key.raw
            output.append(UInt8(ascii: ":"))
            output += value.raw
        }
        return output + Array("}".utf8)
    }

    public func upload(_ title: BatchTitle) -> BatchCall { files.upload(title) }

    public func listFiles(after: String?) -> BatchCall {
        BatchCall("GET", "/files", query: "purpose=batch&" + Self.page(after))
    }

    private static func page(_ after: String?) -> String { "page_size=\(pageSize)&page=\(after ?? "0")" }

    /// The page after a full one.
    private static func next(_ count: Int, after: String?) -> String? {
        count >= pageSize ? String((after.flatMap { Int($0) } ?? 0) + 1) : nil
    }

    public func create(_ title: BatchTitle, file: String?) -> BatchCall {
        var body = Array(#"{"input_files":["#.utf8)
        JSONString.append(file ?? "", to: &body)
        body += Array(#"],"endpoint":"/v1\#(title.path)","model":"#.utf8)
        JSONString.append(title.model, to: &body)
        body += Array(#","timeout_hours":\#(Self.hours(title.window)),"metadata":{"retort":"#.utf8)
        JSONString.append(title.name, to: &body)
        return BatchCall("POST", "/batch/jobs", body: .bytes(body + Array("}}".utf8)))
    }

    /// The hours in `24h` or `7d`.
    private static func hours(_ window: String) -> Int {
        let count = min(Int(window.dropLast()) ?? 24, 24 * 365)
        return window.hasSuffix("d") ? count * 24 : count
    }

    public func listBatches(after: String?) -> BatchCall { BatchCall("GET", "/batch/jobs", query: Self.page(after)) }
    public func look(_ id: String) -> BatchCall { BatchCall("GET", "/batch/jobs/\(id)") }
    public func cancel(_ id: String) -> BatchCall { BatchCall("POST", "/batch/jobs/\(id)/cancel") }
    public func download(_ path: String) -> BatchCall { BatchCall("GET", path) }

    public func file(_ reply: JSONValue) -> String? { files.file(reply) }

    public func files(_ reply: JSONValue, after: String?) -> BatchPage<(id: String, name: String)> {
        let found = files.files(reply, after: after).elements
        return BatchPage(found, next: Self.next((reply["data"] ?? reply).elements.count, after: after))
    }

    public func batch(_ reply: JSONValue) -> BatchView? {
        guard let id = BatchNames.checked(reply["id"]?.string), let status = reply["status"]?.string else { return nil }
        var view = BatchView(id: id)
        view.end = end(status, reply)
        view.total = BatchNumber.of(reply["total_requests"])
        view.succeeded = BatchNumber.of(reply["succeeded_requests"])
        view.failed = BatchNumber.of(reply["failed_requests"])
        view.created = BatchNumber.of(reply["created_at"])
        view.inputFile = reply["input_files"]?.firstElement?.string
        view.name = reply["metadata"]?["retort"]?.string
        for name in [reply["output_file"]?.string, reply["error_file"]?.string] {
            if let name = BatchNames.checked(name) { view.results.append("/files/\(name)/content") }
        }
        return view
    }

    private func end(_ status: String, _ reply: JSONValue) -> BatchEnd? {
        switch status.uppercased() {
        case "SUCCESS": return .completed
        case "TIMEOUT_EXCEEDED": return .expired
        case "CANCELLED": return .cancelled
        case "FAILED":
            // A job that processed some of its lines has their results.
            guard BatchNumber.of(reply["succeeded_requests"]) == 0 else { return .completed }
            let message = reply["errors"]?.firstElement?["message"]?.string
            return .failed(code: "failed", message: message ?? "the provider gives no reason")
        default: return nil
        }
    }

    public func batches(_ reply: JSONValue, after: String?) -> BatchPage<BatchView> {
        let elements = (reply["data"] ?? reply).elements
        return BatchPage(elements.compactMap(batch), next: Self.next(elements.count, after: after))
    }

    public func result(_ line: JSONValue) -> BatchResult? { files.result(line) }
}
