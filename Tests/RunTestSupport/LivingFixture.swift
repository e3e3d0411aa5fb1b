import Basics
import Dataset
import Glibc
package import JSONText
import SegmentStore

/// Shared by the tests of commands over stores.
package enum LivingFixture {
    /// The test's own directory, removed with its owner.
    package final class Folder {
        package let path: String

        package init() {
            var template = Array("/tmp/retort-test-XXXXXX".utf8CString)
            path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
        }

        deinit { LivingFixture.remove(path) }

        package func callAsFunction(_ name: String) -> String { path + "/" + name }
    }

    package static func remove(_ path: String) {
        for name in names(in: path) {
            let inner = path + "/" + name
            var status = stat()
            if lstat(inner, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { remove(inner) } else { unlink(inner) }
        }
        rmdir(path)
    }

    package static func names(in directory: String) -> [String] {
        ((try? PosixFileSystem().entries(of: directory)) ?? []).sorted()
    }

    package static func bytes(of path: String) -> [UInt8] {
        let handle = open(path, O_RDONLY)
        defer { close(handle) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = read(handle, &piece, piece.count), count > 0 { bytes += piece.prefix(count) }
        return bytes
    }

    package static func parse(_ text: String) throws -> JSONValue { try JSONParser().parse(text).root }

    package static func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }

    /// A store with these successes (id and the other members) and failures (id, class, attempts, members).
    package static func makeStore(
        _ root: String, successes: [(id: String, members: String)] = [],
        failures: [(id: String, failureClass: String, attempts: UInt32, members: String)] = [],
        job: [String: String] = ["model": "m", "endpoint": "chat", "samples": "1"]
    ) throws {
        let store = try RecordStore.create(
            root, job: job, failureClasses: RecordCodec.failureClasses, tallies: RecordTallies.names,
            options: StoreAccess.options)
        var row: UInt64 = 0
        func record(_ id: String, _ status: RecordStatus, _ attempts: UInt32, _ members: String) -> NewRecord {
            defer { row += 1 }
            return NewRecord(
                key: RecordKey(id), status: status, attempts: attempts, row: row, fingerprint: 7,
                members: Array(members.utf8))
        }
        _ = try store.append(successes.map { record($0.id, .ok, 1, $0.members) })
        _ = try store.append(
            failures.map { failure in
                let index = RecordCodec.failureClasses.firstIndex(of: failure.failureClass)!
                return record(failure.id, .failed(classIndex: UInt8(index)), failure.attempts, failure.members)
            })
        try store.close()
    }

    /// The members of a failure record after its head.
    package static func failureMembers(asked: String, path: String, body: String, metadata: String = "{}") -> String {
        #"\#(asked),"error":"e","http_status":500,"body":"","latency_ms":1,"created":1,"#
            + #""request":{"path":"\#(path)","body":\#(body)},"metadata":\#(metadata)"#
    }
}
