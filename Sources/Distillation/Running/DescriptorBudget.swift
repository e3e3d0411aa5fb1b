package import Basics
import CommandLine
import Glibc
import HTTPTransport
import Verifiers

/// How many requests may be in flight within the process's limit of open files.
package struct DescriptorBudget {
    /// The process's limit of open files.
    package let limit: Int
    /// Descriptors in use, those that are kept for the store included.
    package let used: Int
    /// Descriptors of one request: its connection, and the other end of it where the server is built in.
    package let perRequest: Int

    /// Descriptors for what comes and goes: the input's files, name lookups, connections that are being opened.
    package static let margin = 12
    /// Of nine descriptors one is for what libcurl needs beside connections, and for connections about to be closed.
    private static let share = (of: 9, forRequests: 8)

    /// What a verifier's processes take: pipes, a descriptor that tells of the end, files of a program, and as many while one is
    /// started.
    package static func ofVerifier(_ verifier: VerifierSettings) -> Int {
        verifier.spec.runsProcesses ? verifier.workers * perWorker : 0
    }

    private static let perWorker = 10

    /// Requests that may be in flight; 0 when there is no room for any.
    package var requestsMax: Int {
        let free = max(0, limit - used - Self.margin)
        return free / Self.share.of * Self.share.forRequests / perRequest
            + min(free % Self.share.of, Self.share.forRequests) / perRequest
    }

    /// The least limit with which a run can work.
    private var limitMin: Int { used + Self.margin + perRequest }

    /// The concurrency that fits, at most the one that was asked for. Throws when not even one request fits.
    package func fitted(_ concurrency: Int) throws(RetortError) -> Int {
        guard requestsMax > 0 else {
            throw RetortError(
                .configuration, "the limit of open files is too low for a run",
                cause: "it is \(limit), and at least \(limitMin) are needed",
                remedy: "Raise it with `ulimit -n 1024`, then run the same command again.")
        }
        return min(concurrency, requestsMax)
    }

    /// What to say when the window is smaller than it was meant to be.
    package func notice(_ fitted: Int, insteadOf concurrency: Int, isAutomatic: Bool) -> String {
        let most = isAutomatic ? "at most " : ""
        let requests = fitted == 1 ? "1 request" : "\(Human.count(fitted)) requests"
        return "the limit of open files (\(Human.count(limit))) leaves room for \(most)\(requests) in flight, not "
            + "\(Human.count(concurrency)); raise it with ulimit -n"
    }

    /// Descriptors that the process has open now.
    package static func count(limit: Int) -> Int {
        if let directory = opendir("/proc/self/fd") {
            defer { closedir(directory) }
            var count = 0
            while readdir(directory) != nil { count += 1 }
            // Without ".", ".." and the directory itself.
            return max(0, count - 3)
        }
        return (0..<Int32(clamping: min(limit, 4096))).count { fcntl($0, F_GETFD) >= 0 }
    }
}
