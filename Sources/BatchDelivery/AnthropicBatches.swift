public import JSONText
public import ModelAPI

/// Anthropic's message batches (https://docs.anthropic.com/en/api/creating-message-batches). They have no files and no
/// names: a batch whose creation was not confirmed is identified by its time, its size and its results.
public struct AnthropicBatches: BatchDialect {
    public let limits: BatchLimits

    public init(limits: BatchLimits = .anthropic) { self.limits = limits }

    public let name = "Anthropic's message batches"
    public let hasFiles = false
    public let head = Array(#"{"requests":["#.utf8)
    public let separator = Array(",".utf8)
    public let tail = Array("]}".utf8)

    public func takes(path: String) -> Bool { path == "/v1/messages" || path == "/messages" }

    public func line(customID: String, _ request: ModelRequest) -> [UInt8] {
        Array(#"{"custom_id":"\#(customID)","params":"#.utf8) + OneLine.text(request.body) + Array("}".utf8)
    }

    // Nothing is uploaded.
    public func upload(_ title: BatchTitle) -> BatchCall { BatchCall("GET", "/messages/batches") }
    public func listFiles(after: String?) -> BatchCall { BatchCall("GET", "/messages/batches") }
    public func file(_ reply: JSONValue) -> String? { nil }
    public func files(_ reply: JSONValue, after: String?) -> BatchPage<(id: String, name: String)> {
        BatchPage([], next: nil)
    }

    public func create(_ title: BatchTitle, file: String?) -> BatchCall {
        BatchCall("POST", "/messages/batches", body: .upload(head: [], tail: []))
    }

    public func listBatches(after: String?) -> BatchCall {
        BatchCall("GET", "/messages/batches", query: "limit=1000" + (after.map { "&after_id=\($0)" } ?? ""))
    }

    public func look(_ id: String) -> BatchCall { BatchCall("GET", "/messages/batches/\(id)") }
    public func cancel(_ id: String) -> BatchCall { BatchCall("POST", "/messages/batches/\(id)/cancel") }
    public func download(_ path: String) -> BatchCall { BatchCall("GET", path) }

    public func batch(_ reply: JSONValue) -> BatchView? {
        guard let id = BatchNames.checked(reply["id"]?.string), let status = reply["processing_status"]?.string else {
            return nil
        }
        var view = BatchView(id: id)
        let counts = reply["request_counts"]
        func count(_ name: StaticString) -> Int { BatchNumber.of(counts?[name]) }
        view.succeeded = count("succeeded")
        view.failed = count("errored")
        view.total =
            view.succeeded + view.failed + count("processing") + count("canceled") + count("expired")
        view.created = Self.seconds(reply["created_at"])
        view.expires = Self.seconds(reply["expires_at"])
        // Each result line says whether it expired or was cancelled; the batch itself has only one final status.
        if status == "ended" {
            view.end = .completed
            // `results_url` is not used: the key must not go to another host.
            view.results = ["/messages/batches/\(id)/results"]
        }
        return view
    }

    private static func seconds(_ value: JSONValue?) -> Int {
        BatchNumber.clamped(Int(clamping: value?.string.flatMap { RFC3339.seconds($0) } ?? 0))
    }

    public func batches(_ reply: JSONValue, after: String?) -> BatchPage<BatchView> {
        let found = (reply["data"] ?? reply).elements.compactMap(batch)
        let more = reply["has_more"]?.bool == true
        return BatchPage(found, next: more ? BatchNames.checked(reply["last_id"]?.string) ?? found.last?.id : nil)
    }

    public func result(_ line: JSONValue) -> BatchResult? {
        guard let name = line["custom_id"]?.string, let result = line["result"] else { return nil }
        switch result["type"]?.string {
        case "succeeded":
            let body = result["message"].map { Array($0.raw) } ?? []
            return BatchResult(customID: name, kind: .reply(status: 200, body: body))
        case "expired": return BatchResult(customID: name, kind: .expired)
        case "canceled", "cancelled": return BatchResult(customID: name, kind: .cancelled)
        case "errored":
            guard let error = result["error"] else {
                return BatchResult(customID: name, kind: .failed(message: "the provider gives no reason"))
            }
            let type = (error["error"] ?? error)["type"]?.string ?? ""
            return BatchResult(customID: name, kind: .reply(status: Self.status(of: type), body: Array(error.raw)))
        default: return nil
        }
    }

    /// The status that a live response would have (https://docs.anthropic.com/en/api/errors).
    private static func status(of type: String) -> Int {
        switch type {
        case "invalid_request_error", "invalid_request": 400
        case "authentication_error": 401
        case "billing_error": 402
        case "permission_error": 403
        case "not_found_error": 404
        case "request_too_large": 413
        case "rate_limit_error": 429
        case "overloaded_error": 529
        case "timeout_error": 504
        default: 500
        }
    }
}
