package import Basics
import CProcess
import CommandLine
package import Dataset
import Glibc

/// `--notify`: runs a command of the user's, or posts to a URL, at the end of a run, when too many items fail, and when
/// most of the budget is spent; once for each.
package final class Notifier: Sendable {
    package enum Occasion: String, Sendable {
        case end
        case failures
        case budget
    }

    package struct Limits: Sendable, Hashable {
        /// Shares, from 0 to 1.
        package var failures = 0.1
        package var budget = 0.8
    }

    /// Minimum items with an outcome before the share of failures counts.
    package static let itemsMin = 50
    /// Maximum time that the end of a run waits for its command.
    private static let endTime = Interval.seconds(30)

    /// Where notifications go.
    package enum Target: Sendable {
        case command(String)
        case address(PostTarget)
    }

    /// Attempts per message, and the pause after the first; it doubles.
    private static let attempts = 4
    private static let pause = Interval.seconds(1)
    package static let postTime = Interval.seconds(10)

    private let target: Target
    private let secrets: Secrets
    private let store: String
    private let limits: Limits
    private let done = Locked<Set<Occasion>>([])
    private let warn: @Sendable (String) -> Void

    package init(
        _ target: Target, store: String, limits: Limits, secrets: Secrets, warn: @escaping @Sendable (String) -> Void
    ) {
        self.target = target
        self.secrets = secrets
        self.store = store
        self.limits = limits
        self.warn = warn
    }

    /// Checks a run in progress.
    package func look(_ record: RunRecord, costMax: Double?) {
        let ended = record.done + record.failed
        if ended >= Self.itemsMin, Double(record.failed) > limits.failures * Double(ended) {
            notify(.failures, "\(record.failed) of \(ended) items have failed", record, waits: false)
        }
        if let costMax, costMax > 0, let cost = record.cost, cost >= limits.budget * costMax {
            notify(.budget, "\(Int(100 * min(1, cost / costMax)))% of the cost cap is spent", record, waits: false)
        }
    }

    package func end(_ record: RunRecord) {
        let reason = record.reason.isEmpty ? "" : ": \(record.reason)"
        notify(
            .end, "\(record.state.rawValue)\(reason); \(record.done) done, \(record.failed) failed", record, waits: true
        )
    }

    private func notify(_ occasion: Occasion, _ text: String, _ record: RunRecord, waits: Bool) {
        guard done.withLock({ $0.insert(occasion).inserted }) else { return }
        switch target {
        case .command(let command): start(command, occasion, text, waits: waits)
        case .address(let address):
            let body = message(occasion, text, record)
            let deliver = { @Sendable [warn] in
                let end = Instant.now + Self.endTime
                guard
                    let reason = address.send(body, attempts: Self.attempts, pause: Self.pause, until: end)
                else { return }
                warn("--notify: not delivered: \(reason)")
            }
            if waits { deliver() } else { WorkThread.start { deliver() } }
        }
    }

    /// The posted message: one JSON object.
    private func message(_ occasion: Occasion, _ text: String, _ record: RunRecord) -> [UInt8] {
        typealias Member = JSONTree.Member
        return JSONTree.object([
            Member("event", .text(occasion.rawValue)), Member("text", .text(secrets.blotted(text))),
            Member("store", .text(store)), Member("state", .text(record.state.rawValue)),
            Member("time", .text(UTCTime(wallClockSeconds()).iso)), Member("total", JSONTree(record.total)),
            Member("done", .integer(record.done)), Member("failed", .integer(record.failed)),
            Member("pending", JSONTree(record.pending)), Member("cost_usd", JSONTree(record.cost)),
        ]).line
    }

    private func start(_ command: String, _ occasion: Occasion, _ text: String, waits: Bool) {
        let variables = ["RETORT_EVENT": occasion.rawValue, "RETORT_TEXT": text, "RETORT_STORE": store]
        guard let process = Self.spawn(command, variables) else {
            return warn("--notify: the command could not be started")
        }
        if waits { return wait(process, until: .now + Self.endTime) }
        // A thread that waits for the process, so that no zombie is left.
        WorkThread.start { [self] in wait(process, until: nil) }
    }

    private func wait(_ process: pid_t, until end: Instant?) {
        var status: Int32 = 0
        while true {
            let ended = waitpid(process, &status, end == nil ? 0 : WNOHANG)
            if ended == process { break }
            if ended < 0, errno != EINTR { return }
            if let end, Instant.now >= end { return warn("--notify: the command is still running") }
            if end != nil { usleep(20_000) }
        }
        if status != 0 { warn("--notify: the command ended with status \((status >> 8) & 0xFF)") }
    }

    /// Starts `/bin/sh -c COMMAND` with default signal handling and without this process's secrets.
    private static func spawn(_ command: String, _ variables: [String: String]) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        // Its output goes to standard error: standard output is for data.
        posix_spawn_file_actions_adddup2(&actions, 2, 1)
        _ = posix_spawn_file_actions_addclosefrom_np(&actions, 3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var broken = sigset_t()
        sigemptyset(&broken)
        sigaddset(&broken, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &broken)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let environment = ProcessStart.environment().merging(variables) { $1 }.map { "\($0.key)=\($0.value)" }
        return CStrings.with(["/bin/sh", "-c", command]) { arguments in
            CStrings.with(environment) { environment in
                var process: pid_t = 0
                let status = posix_spawn(&process, "/bin/sh", &actions, &attributes, arguments, environment)
                return status == 0 ? process : nil
            }
        }
    }
}
