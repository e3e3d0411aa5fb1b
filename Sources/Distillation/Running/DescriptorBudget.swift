package import Basics
import CommandLine
import Glibc
import HTTPTransport
import Verifiers

/// The number of requests in flight that the process's limit of open files allows.
package struct DescriptorBudget {
    /// The process's limit of open files.
    package let limit: Int
    /// Descriptors in use, including those kept for the store.
    package let used: Int
    /// Descriptors per request: its connection, and the server's end of it if the server is built in.
    package let perRequest: Int

    /// Descriptors for temporary use: the input's files, name lookups, connections being opened.
    package static let margin = 12
    /// One of nine descriptors is for what libcurl needs besides connections, and for connections being closed.
    private static let share = (of: 9, forRequests: 8)

    /// Descriptors of a verifier's processes: pipes, a descriptor that signals the end, the program's files, and as
    /// many while one is started.
    package static func ofVerifier(_ verifier: VerifierSettings) -> Int {
        verifier.spec.runsProcesses ? verifier.workers * perWorker : 0
    }

    private static let perWorker = 10

    /// Maximum requests in flight; 0 if there is room for none.
    package var requestsMax: Int {
        let free = max(0, limit - used - Self.margin)
        return free / Self.share.of * Self.share.forRequests / perRequest
            + min(free % Self.share.of, Self.share.forRequests) / perRequest
    }

    /// Minimum limit with which a run can work.
    private var limitMin: Int { used + Self.margin + perRequest }

    /// The concurrency that fits, at most the requested one. Throws if not even one request fits.
    package func fitted(_ concurrency: Int) throws(RetortError) -> Int {
        guard requestsMax > 0 else {
            throw RetortError(
                .configuration, "the limit of open files is too low for a run",
                cause: "it is \(limit), and at least \(limitMin) are needed",
                remedy: "Raise it with `ulimit -n 1024`, then run the same command again.")
        }
        return min(concurrency, requestsMax)
    }

    /// The message about a reduced concurrency.
    package func notice(_ fitted: Int, insteadOf concurrency: Int, isAutomatic: Bool) -> String {
        let most = isAutomatic ? "at most " : ""
        let requests = fitted == 1 ? "1 request" : "\(Human.count(fitted)) requests"
        return "the limit of open files (\(Human.count(limit))) leaves room for \(most)\(requests) in flight, not "
            + "\(Human.count(concurrency)); raise it with ulimit -n"
    }

    /// Descriptors that are open in this process.
    package static func count(limit: Int) -> Int {
        if let directory = opendir("/proc/self/fd") {
            defer { closedir(directory) }
            var count = 0
            while readdir(directory) != nil { count += 1 }
            // Without ".", ".." and the directory's own descriptor.
            return max(0, count - 3)
        }
        return (0..<Int32(clamping: min(limit, 4096))).count { fcntl($0, F_GETFD) >= 0 }
    }
}
