package import Basics
import CProcess
package import CommandLine
import Glibc
import JSONText
import RunMonitor

/// `run --detach`: starts the same command in a session of its own, so that it continues after the terminal is closed.
package struct Detachment {
    /// Set for the child, so that it does not detach again.
    private static let mark = "RETORT_DETACHED"
    private static let pollMicroseconds: UInt32 = 50_000
    /// `POSIX_SPAWN_SETSID` of glibc.
    private static let newSession: Int16 = 0x80
    private static let logTailBytes = 4096

    /// Whether this process must start another one and exit.
    package static func isWanted(_ command: ParsedCommand) -> Bool {
        command.flag("detach") && !command.isGiven("preview") && getenv(mark) == nil
    }

    private let store: String
    private let log: String

    /// - Parameter out: the directory of the run's store, or of the pipeline.
    package init(_ out: String, inputs: [String]) throws(RetortError) {
        guard !inputs.contains("-") else {
            throw RetortError(
                .usage, "a run in the background cannot read standard input", at: "--detach",
                remedy: "Write the input to a file, then name the file.")
        }
        var path = Substring(out)
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        store = out
        log = path + ".log"
    }

    /// Returns once the run is accepted. If the run ends before that, its exit status is returned.
    package func run(_ messages: MessageStream) throws(RetortError) -> ExitCode {
        // Readable by the user only: it contains the token of the page.
        let descriptor = try OwnFile.openToAppend(log)
        defer { close(descriptor) }
        let begin = lseek(descriptor, 0, SEEK_END)
        guard let process = spawn(descriptor) else {
            throw RetortError(
                .io, "the run could not be started", at: "/proc/self/exe", cause: String(cString: strerror(errno)))
        }
        while true {
            var status: Int32 = 0
            let ended = waitpid(process, &status, WNOHANG)
            if ended == process {
                for line in text(descriptor, from: begin).split(separator: "\n").suffix(12) {
                    messages.line(String(line))
                }
                return ExitCode(rawValue: (status >> 8) & 0xFF) ?? .io
            }
            if isAccepted(process) { break }
            usleep(Self.pollMicroseconds)
        }
        messages.line("running in the background: process \(process)")
        messages.line("log: \(log)")
        let page = text(descriptor, from: begin).split(separator: "\n").first { $0.hasPrefix("live page: ") }
        if let page { messages.line(String(page)) }
        messages.line("`retort status \(store)` says how far it is, `retort ctl \(store) drain` ends it")
        return .ok
    }

    /// Whether the store's socket belongs to that run.
    private func isAccepted(_ process: pid_t) -> Bool {
        guard let reply = try? ControlClient.send(ControlCommand.identify, to: store) else { return false }
        return (try? JSONParser().parse(reply).root["pid"]?.int) == Int(process)
    }

    private func text(_ descriptor: Int32, from begin: Int) -> String {
        let end = lseek(descriptor, 0, SEEK_END)
        let from = max(begin, end - Self.logTailBytes)
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.logTailBytes) { buffer, count in
            count = max(0, pread(descriptor, buffer.baseAddress, Self.logTailBytes, from))
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func spawn(_ descriptor: Int32) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, descriptor, 1)
        posix_spawn_file_actions_adddup2(&actions, descriptor, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Self.newSession | Int16(POSIX_SPAWN_SETSIGMASK))
        let environment = ProcessStart.environment().map { "\($0.key)=\($0.value)" } + ["\(Self.mark)=1"]
        return CStrings.with(["retort"] + ProcessStart.arguments) { arguments in
            CStrings.with(environment) { environment in
                var process: pid_t = 0
                let status = posix_spawn(&process, "/proc/self/exe", &actions, &attributes, arguments, environment)
                errno = status
                return status == 0 ? process : nil
            }
        }
    }
}
