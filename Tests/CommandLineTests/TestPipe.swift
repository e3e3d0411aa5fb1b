import Basics
import CommandLine
import Foundation
import Glibc

/// A pipe of the system, closed at the end of the test.
final class TestPipe: @unchecked Sendable {
    let readEnd: Int32
    let writeEnd: Int32
    private var open: Set<Int32>

    init(blocking: Bool = true) throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            if !blocking { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        }
        readEnd = ends[0]
        writeEnd = ends[1]
        open = Set(ends)
    }

    deinit { for end in open { Glibc.close(end) } }

    func close(_ end: Int32) { if open.remove(end) != nil { Glibc.close(end) } }

    /// Fills the pipe, so that the next write blocks; returns the number of bytes written.
    func fill() -> Int {
        _ = fcntl(writeEnd, F_SETFL, O_NONBLOCK)
        defer { _ = fcntl(writeEnd, F_SETFL, 0) }
        let bytes = [UInt8](repeating: 0, count: 4096)
        var total = 0
        while true {
            let count = write(writeEnd, bytes, bytes.count)
            if count < 0 { return total }
            total += count
        }
    }

    /// Everything up to the end, which comes when the writing end is closed.
    func readToEnd() -> [UInt8] {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(readEnd, &buffer, buffer.count)
            if count > 0 {
                all += buffer[..<count]
            } else if count == 0 || errno != EAGAIN {
                return all
            } else {
                var entry = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
                poll(&entry, 1, -1)
            }
        }
    }

    /// Runs `body` while a thread reads, closes the writing end, and returns everything that was written.
    func read(during body: () async throws -> Void) async throws -> [UInt8] {
        let received = Locked<[UInt8]>([])
        let finished = AsyncStream<Void>.makeStream()
        Thread.detachNewThread {
            let all = self.readToEnd()
            received.withLock { $0 = all }
            finished.continuation.finish()
        }
        try await body()
        close(writeEnd)
        for await _ in finished.stream {}
        return received.withLock { $0 }
    }

    /// The text written so far; closes the writing end.
    func text() -> String {
        close(writeEnd)
        return String(decoding: readToEnd(), as: UTF8.self)
    }
}
