import Basics
import Dataset
import Glibc
import JSONText
package import Reporting
package import SegmentStore

/// A store on disk in a directory of its own, filled with records of chosen content. Removed with its last reference.
package final class ReportingStore {
    package let directory: String
    package var root: String { directory + "/run" }
    package let store: RecordStore
    private var row: UInt64 = 0

    package init(rows: UInt64? = nil, job: [String: String] = ["model": "teacher"]) throws {
        var template = Array("/tmp/retort-report-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw RetortError.system(errno, "mkdtemp", "/tmp") }
        directory = String(cString: made)
        store = try RecordStore.create(
            directory + "/run", job: job, failureClasses: RecordCodec.failureClasses, tallies: RecordTallies.names,
            options: StoreAccess.options)
        if let rows {
            try store.beginInput(identity: Hash128(high: 1, low: 4), files: ["prompts.jsonl"])
            try store.endInput(rows: rows)
        }
    }

    deinit {
        try? store.close()
        ReportingStore.remove(directory)
    }

    package func append(_ records: [NewRecord]) throws { _ = try store.append(records) }

    /// The store's summary at a fixed time.
    package func summary() throws -> StoreSummary { try StoreSummary(of: root, now: 1_800_000_000) }

    package func answer(
        _ id: String, at created: Int64 = 1_700_000_000, latency: Int = 800, prompt: Int = 50, completion: Int = 200,
        finish: String = "stop", model: String = "teacher-1", response: String = "An answer.", attempts: UInt32 = 1,
        more: String = ""
    ) -> NewRecord {
        let members =
            #""prompt":"p","response":\#(quoted(response)),"reasoning":"","finish_reason":\#(quoted(finish)),"#
            + #""model":\#(quoted(model)),"usage":{"prompt_tokens":\#(prompt),"completion_tokens":\#(completion),"#
            + #""reasoning_tokens":0,"cached_tokens":0},"latency_ms":\#(latency),"created":\#(created),"metadata":{}"#
            + more
        return record(id, .ok, attempts, members)
    }

    package func failure(
        _ id: String, _ name: String = "server", at created: Int64 = 1_700_000_000, status: Int = 500,
        message: String = "HTTP 500: no", body: String = "", attempts: UInt32 = 5, more: String = ""
    ) -> NewRecord {
        let members =
            #""prompt":"p","error":\#(quoted(message)),"http_status":\#(status),"body":\#(quoted(body)),"#
            + #""latency_ms":5,"created":\#(created),"request":{"path":"/x","body":{}},"metadata":{}"# + more
        let number = UInt8(RecordCodec.failureClasses.firstIndex(of: name)!)
        return record(id, .failed(classIndex: number), attempts, members)
    }

    private func record(_ id: String, _ status: RecordStatus, _ attempts: UInt32, _ members: String) -> NewRecord {
        defer { row += 1 }
        return NewRecord(
            key: RecordKey(id), status: status, attempts: attempts, row: row, fingerprint: row,
            members: Array(members.utf8))
    }

    private func quoted(_ text: String) -> String {
        var bytes: [UInt8] = []
        JSONString.append(text, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Flips the bits of a file's ninth byte from the end: the end of the last block's data.
    package func damage(_ name: String) throws {
        let file = try PosixFileSystem().open("\(root)/\(name)", .readWrite)
        let place = try file.size() - 9
        var byte: UInt8 = 0
        _ = try withUnsafeMutableBytes(of: &byte) { bytes in try file.read(at: place, into: bytes) }
        byte = ~byte
        try withUnsafeBytes(of: byte) { bytes in try file.write(bytes, at: place) }
    }

    private static func remove(_ directory: String) {
        let system = PosixFileSystem()
        for name in (try? system.entries(of: directory)) ?? [] {
            let path = "\(directory)/\(name)"
            if unlink(path) != 0 { remove(path) }
        }
        rmdir(directory)
    }
}
