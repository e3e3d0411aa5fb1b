import Basics
import Glibc
import JSONText
import Testing

@testable import Verifiers

/// Rows and answers for the tests that run code.
enum Sandboxed {
    /// Whether programs can be isolated on this machine.
    static let isPossible = (try? Walls.find(.bubblewrap)) != nil

    static func request(_ row: String, _ answer: String, id: String = "a") -> VerifierRequest {
        var response: [UInt8] = []
        JSONString.append(answer, to: &response)
        return VerifierRequest(
            id: Array(id.utf8), row: Array(row.utf8), messages: Array("[]".utf8), response: response)
    }

    /// A row whose only test calls the answer's function `f` and expects `true`.
    static let callsF = #"{"prompt":"","test":"def check(f):\n    assert f()","entry_point":"f"}"#

    /// Judges a program in Python that defines `f`.
    static func judge(_ code: String, seconds: Double = 20, mode: SandboxMode = .bubblewrap) async throws -> Opinion {
        let verifier = TestsVerifier(workers: 2, seconds: .seconds(seconds), mode: mode)
        return try await verifier.judge(request(callsF, "```python\n\(code)\n```"))
    }

    static func reason(_ opinion: Opinion) throws -> String {
        try JSONParser().parse(try #require(opinion.value)).root["reason"]?.string ?? ""
    }

    /// Ids of processes with this text in their command line.
    static func processes(with text: String) -> [Int32] {
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        var found: [Int32] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let id = Int32(name) else { continue }
            let descriptor = open("/proc/\(id)/cmdline", O_RDONLY)
            guard descriptor >= 0 else { continue }
            defer { close(descriptor) }
            var bytes = [UInt8](repeating: 0, count: 8192)
            let count = read(descriptor, &bytes, bytes.count)
            if count > 0, String(decoding: bytes[..<count], as: UTF8.self).contains(text) { found.append(id) }
        }
        return found
    }
}
