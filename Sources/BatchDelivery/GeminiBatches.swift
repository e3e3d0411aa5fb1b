internal import Basics
public import JSONText
public import ModelAPI

/// Gemini's batches in the OpenAI-compatible form (https://ai.google.dev/gemini-api/docs/openai#batch): lines, creation
/// and states are OpenAI's, while files, lists and cancelling belong to Gemini's own API
/// (https://ai.google.dev/api/batch-api), which has another root and another header for the key.
public struct GeminiBatches: BatchDialect {
    public let limits: BatchLimits
    private let openAI: OpenAIBatches

    public init(limits: BatchLimits = .gemini) {
        self.limits = limits
        var form = OpenAIForm()
        // The creating call accepts only the documented members.
        form.hasMetadata = false
        openAI = OpenAIBatches(limits: limits, form: form)
    }

    public let name = "Gemini's batch API"
    public let hasFiles = true
    /// An expired batch has no results at all.
    public let tellsExpired = false
    public let isKnownByResults = true

    private static let pageSize = 100
    private static let boundary = "----retort-5c1de0a79b2f4836"

    public func takes(path: String) -> Bool { path == "/chat/completions" }

    public func line(customID: String, _ request: ModelRequest) -> [UInt8] {
        openAI.line(customID: customID, request)
    }

    private func own(
        _ method: String, _ path: String, query: String = "", contentType: String = "application/json",
        body: BatchCall.Body = .none
    ) -> BatchCall {
        var call = BatchCall(method, path, query: query, contentType: contentType, body: body)
        (call.cut, call.keyHeader) = ("/v1beta/openai", "x-goog-api-key")
        return call
    }

    private func page(_ after: String?) -> String {
        let size = "pageSize=\(Self.pageSize)"
        guard let after else { return size }
        return size + "&pageToken=" + PercentEncoding.text(of: after.utf8, keeping: PercentEncoding.isUnreserved)
    }

    public func upload(_ title: BatchTitle) -> BatchCall {
        var metadata = Array(#"{"file":{"displayName":"#.utf8)
        JSONString.append(title.name, to: &metadata)
        metadata += Array(#","mimeType":"application/jsonl"}}"#.utf8)
        let head =
            Array("--\(Self.boundary)\r\nContent-Type: application/json\r\n\r\n".utf8) + metadata
            + Array("\r\n--\(Self.boundary)\r\nContent-Type: application/jsonl\r\n\r\n".utf8)
        return own(
            "POST", "/upload/v1beta/files", query: "uploadType=multipart",
            contentType: "multipart/related; boundary=\(Self.boundary)",
            body: .upload(head: head, tail: Array("\r\n--\(Self.boundary)--\r\n".utf8)))
    }

    public func listFiles(after: String?) -> BatchCall { own("GET", "/v1beta/files", query: page(after)) }

    public func create(_ title: BatchTitle, file: String?) -> BatchCall { openAI.create(title, file: file) }

    public func listBatches(after: String?) -> BatchCall { own("GET", "/v1beta/batches", query: page(after)) }

    // The id is a path, `batches/abc`, below the list's path.
    public func look(_ id: String) -> BatchCall { openAI.look(id) }
    public func cancel(_ id: String) -> BatchCall {
        own("POST", "/v1beta/\(id):cancel", body: .bytes(Array("{}".utf8)))
    }
    public func download(_ path: String) -> BatchCall { own("GET", path, query: "alt=media") }

    public func hasCancelled(_ reply: JSONValue) -> Bool { reply.kind == .object }

    public func file(_ reply: JSONValue) -> String? {
        Self.resource(reply["file"]?["name"]?.string ?? reply["name"]?.string, "files/")
    }

    public func files(_ reply: JSONValue, after: String?) -> BatchPage<(id: String, name: String)> {
        var found: [(id: String, name: String)] = []
        for element in reply["files"]?.elements ?? [] {
            guard let id = file(element), let name = element["displayName"]?.string else { continue }
            found.append((id, name))
        }
        return BatchPage(found, next: next(reply))
    }

    private func next(_ reply: JSONValue) -> String? {
        reply["nextPageToken"]?.string.flatMap { $0.isEmpty || $0.utf8.count > BatchNames.lengthMax ? nil : $0 }
    }

    /// A resource name, `batches/abc`; nil for any other text, and for characters that would change the URL.
    private static func resource(_ name: String?, _ kind: String) -> String? {
        guard let name, name.hasPrefix(kind), BatchNames.checked(String(name.dropFirst(kind.count))) != nil else {
            return nil
        }
        return name
    }

    public func batch(_ reply: JSONValue) -> BatchView? {
        reply["status"] == nil ? operation(reply) : job(reply)
    }

    /// In the OpenAI-compatible form.
    private func job(_ reply: JSONValue) -> BatchView? {
        guard var view = openAI.view(of: reply, id: Self.resource(reply["id"]?.string, "batches/")) else { return nil }
        view.results = results([reply["output_file_id"]?.string, reply["error_file_id"]?.string])
        return view
    }

    private func results(_ files: [String?]) -> [String] {
        files.compactMap { Self.resource($0, "files/") }.map { "/download/v1beta/\($0):download" }
    }

    /// In Gemini's own form: an operation, whose numbers are strings.
    private func operation(_ reply: JSONValue) -> BatchView? {
        guard let id = Self.resource(reply["name"]?.string, "batches/"), let metadata = reply["metadata"],
            let state = metadata["state"]?.string
        else { return nil }
        var view = BatchView(id: id)
        let stats = metadata["batchStats"]
        func count(_ name: StaticString) -> Int {
            stats?[name].map { BatchNumber.clamped($0.int ?? $0.string.flatMap { Int($0) } ?? 0) } ?? 0
        }
        view.total = count("requestCount")
        view.succeeded = count("successfulRequestCount")
        view.failed = count("failedRequestCount")
        let created = metadata["createTime"]?.string.flatMap(RFC3339.seconds) ?? 0
        view.created = BatchNumber.clamped(Int(clamping: created))
        view.inputFile = metadata["inputConfig"]?["fileName"]?.string
        let output = reply["response"]?["responsesFile"] ?? metadata["output"]?["responsesFile"]
        view.results = results([output?.string])
        switch state.split(separator: "_").dropFirst(2).joined(separator: "_") {
        case "SUCCEEDED", "PARTIALLY_SUCCEEDED": view.end = .completed
        case "CANCELLED": view.end = .cancelled
        case "EXPIRED": view.end = .expired
        case "FAILED":
            view.end = .failed(
                code: "failed", message: reply["error"]?["message"]?.string ?? "the provider gives no reason")
        default: break
        }
        return view
    }

    public func batches(_ reply: JSONValue, after: String?) -> BatchPage<BatchView> {
        BatchPage((reply["operations"]?.elements ?? []).compactMap(batch), next: next(reply))
    }

    public func result(_ line: JSONValue) -> BatchResult? { openAI.result(line) }
}
