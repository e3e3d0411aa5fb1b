import Glibc

/// Whether a process has ended, or is a zombie. Polls for maximum two seconds.
func processIsGone(_ id: Int32) -> Bool {
    for _ in 0..<200 {
        guard let status = try? String(contentsOfFile: "/proc/\(id)/stat"), let close = status.lastIndex(of: ")") else {
            return true
        }
        if status[close...].dropFirst(2).first == "Z" { return true }
        usleep(10_000)
    }
    return false
}

extension String {
    fileprivate init(contentsOfFile path: String) throws {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { throw POSIXFailure() }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 0 else { throw POSIXFailure() }
        self = String(decoding: bytes[..<count], as: UTF8.self)
    }

    private struct POSIXFailure: Error {}
}
