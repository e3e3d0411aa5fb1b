package import Dataset
package import JSONText

/// Bounds on numbers from files that may be damaged, so that sums do not overflow.
private enum KeptNumber {
    private static let most = 1 << 53

    static func of(_ value: JSONValue?) -> Int { min(max(0, value?.int ?? 0), most) }
}

/// A file uploaded by a client, or the result of a batch.
package struct ServedFile: Sendable, Hashable {
    package var id: String
    /// The client's name; empty if clients have no keys.
    package var owner: String
    package var name: String
    package var purpose: String
    package var bytes: Int
    package var created: Int

    private var members: [JSONTree.Member] {
        [
            .init("id", .text(id)), .init("object", .text("file")), .init("bytes", .integer(bytes)),
            .init("created_at", .integer(created)), .init("filename", .text(name)), .init("purpose", .text(purpose)),
            .init("status", .text("processed")),
        ]
    }

    /// The form that clients see.
    package var tree: JSONTree { .object(members) }

    /// The form that is stored.
    package var kept: [UInt8] { JSONTree.object(members + [.init("owner", .text(owner))]).line }

    package init(id: String, owner: String, name: String, purpose: String, bytes: Int, created: Int) {
        (self.id, self.owner, self.name) = (id, owner, name)
        (self.purpose, self.bytes, self.created) = (purpose, bytes, created)
    }

    package init?(kept text: [UInt8]) {
        guard let root = try? JSONParser().parse(text).root, let id = root["id"]?.string else { return nil }
        self.init(
            id: id, owner: root["owner"]?.string ?? "", name: root["filename"]?.string ?? "",
            purpose: root["purpose"]?.string ?? "", bytes: KeptNumber.of(root["bytes"]),
            created: KeptNumber.of(root["created_at"]))
    }
}

/// A client's batch, in OpenAI's form. A value.
package struct BatchJob: Sendable, Hashable {
    package enum Status: String, Sendable {
        case validating, failed
        case inProgress = "in_progress"
        case finalizing, completed, cancelling, cancelled

        /// Whether the batch is finished.
        package var isOver: Bool { self == .failed || self == .completed || self == .cancelled }
    }

    package struct Fault: Sendable, Hashable {
        package var message: String
        /// The line number from 1; 0 if the error is not about a line.
        package var line: Int
    }

    package struct Pair: Sendable, Hashable {
        package var name: String
        package var value: String
    }

    package var id: String
    package var owner: String
    package var endpoint: String
    package var inputFile: String
    package var created: Int
    package var metadata: [Pair] = []
    package var status = Status.validating
    /// When the status last changed.
    package var changed = 0
    package var total = 0
    package var completed = 0
    package var failed = 0
    package var outputFile: String?
    package var errorFile: String?
    package var faults: [Fault] = []

    /// Maximum errors that are reported.
    package static let faultsMax = 50
    private static let windowSeconds = 24 * 3600

    private func time(_ statuses: Set<Status>) -> JSONTree { statuses.contains(status) ? .integer(changed) : .null }

    /// The form that clients see.
    package var tree: JSONTree {
        let counts = JSONTree.object([
            .init("total", .integer(total)), .init("completed", .integer(completed)), .init("failed", .integer(failed)),
        ])
        let data = faults.map { fault in
            JSONTree.object([
                .init("code", .text("invalid_request")), .init("message", .text(fault.message)), .init("param", .null),
                .init("line", fault.line > 0 ? .integer(fault.line) : .null),
            ])
        }
        let errors = JSONTree.object([.init("object", .text("list")), .init("data", .list(data))])
        let labels = JSONTree.object(metadata.map { .init($0.name, .text($0.value)) })
        return .object([
            .init("id", .text(id)), .init("object", .text("batch")), .init("endpoint", .text(endpoint)),
            .init("errors", faults.isEmpty ? .null : errors), .init("input_file_id", .text(inputFile)),
            .init("completion_window", .text("24h")), .init("status", .text(status.rawValue)),
            .init("output_file_id", outputFile.map { .text($0) } ?? .null),
            .init("error_file_id", errorFile.map { .text($0) } ?? .null), .init("created_at", .integer(created)),
            .init("in_progress_at", status == .validating ? .null : .integer(created)),
            .init("expires_at", .integer(created + Self.windowSeconds)),
            .init("finalizing_at", time([.finalizing])), .init("completed_at", time([.completed])),
            .init("failed_at", time([.failed])), .init("expired_at", .null),
            .init("cancelling_at", time([.cancelling])), .init("cancelled_at", time([.cancelled])),
            .init("request_counts", counts), .init("metadata", metadata.isEmpty ? .null : labels),
        ])
    }

    /// The form that is stored.
    package var kept: [UInt8] {
        guard case .object(let members) = tree else { return [] }
        return JSONTree.object(members + [.init("owner", .text(owner)), .init("changed", .integer(changed))]).line
    }

    package init(id: String, owner: String, endpoint: String, inputFile: String, created: Int) {
        (self.id, self.owner, self.endpoint) = (id, owner, endpoint)
        (self.inputFile, self.created, changed) = (inputFile, created, created)
    }

    package init?(kept text: [UInt8]) {
        guard let root = try? JSONParser().parse(text).root, let id = root["id"]?.string,
            let status = root["status"]?.string.flatMap(Status.init), let endpoint = root["endpoint"]?.string,
            let input = root["input_file_id"]?.string
        else { return nil }
        self.init(
            id: id, owner: root["owner"]?.string ?? "", endpoint: endpoint, inputFile: input,
            created: KeptNumber.of(root["created_at"]))
        self.status = status
        changed = root["changed"].map { KeptNumber.of($0) } ?? created
        let counts = root["request_counts"]
        total = KeptNumber.of(counts?["total"])
        completed = KeptNumber.of(counts?["completed"])
        failed = KeptNumber.of(counts?["failed"])
        (outputFile, errorFile) = (root["output_file_id"]?.string, root["error_file_id"]?.string)
        metadata = Self.labels(root["metadata"])
        faults = (root["errors"]?["data"]?.elements ?? []).map {
            Fault(message: $0["message"]?.string ?? "", line: KeptNumber.of($0["line"]))
        }
    }

    /// The text members of an object.
    package static func labels(_ value: JSONValue?) -> [Pair] {
        (value?.members ?? []).compactMap { name, value in
            guard let name = name.string, let value = value.string else { return nil }
            return Pair(name: name, value: value)
        }
    }
}

/// A line of a batch's input.
package struct BatchLine: Sendable {
    package var customID: String
    package var body: [UInt8]

    /// Maximum bytes of a custom id, which together with the batch's id makes the record's id.
    package static let customIDBytesMax = 512

    /// Throws the line's error.
    package init(_ line: [UInt8], endpoint: String, _ parser: JSONParser) throws(ClientError) {
        func wrong(_ message: String) -> ClientError { ClientError(400, message) }
        // The first line of a file may begin with a byte order mark.
        let text = line.starts(with: [0xEF, 0xBB, 0xBF]) ? line.dropFirst(3) : line[...]
        guard let root = try? parser.parse(text).root, root.kind == .object else {
            throw wrong("the line is not a JSON object")
        }
        guard let id = root["custom_id"]?.string, (1...Self.customIDBytesMax).contains(id.utf8.count) else {
            throw wrong("custom_id is missing, or longer than \(Self.customIDBytesMax) bytes")
        }
        if let method = root["method"], method.string != "POST" { throw wrong("the method is not POST") }
        guard root["url"]?.string == endpoint else { throw wrong("the url is not the batch's endpoint, \(endpoint)") }
        guard let body = root["body"], body.kind == .object else { throw wrong("the body is not a JSON object") }
        if body["stream"]?.bool == true { throw wrong("a batch has no streams") }
        customID = id
        self.body = Array(body.raw)
    }

    package func id(in batch: String) -> [UInt8] { Array("\(batch)/\(customID)".utf8) }
}
