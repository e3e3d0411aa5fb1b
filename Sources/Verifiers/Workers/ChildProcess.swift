internal import Basics
internal import CProcess
internal import Glibc

/// How to start a process.
struct Launch: Sendable {
    /// The program's path and its arguments.
    var command: [String]
    /// `NAME=VALUE`.
    var environment: [String]
    /// Descriptors that the process gets as 3, 4, ...; the caller keeps owning them.
    var files: [Int32] = []
}

/// A process in its own process group, with pipes to its input, output and errors. Used by one thread.
///
/// It inherits only the given descriptors, and no blocked or ignored signals.
final class ChildProcess {
    let id: pid_t
    /// Readable when the process has ended.
    let ending: Int32
    /// This side's ends of the pipes, non-blocking; -1 when closed.
    private(set) var input: Int32
    private(set) var output: Int32
    private(set) var errors: Int32
    private var isReaped = false

    /// Source descriptors are moved to this number or above, because the process's own descriptors would overwrite
    /// lower ones.
    private static let sourcesFrom: Int32 = 32

    init(_ launch: Launch) throws(RetortError) {
        var near: [Int32] = []
        var far: [Int32] = []
        defer { for descriptor in near { close(descriptor) } }
        do throws(RetortError) {
            for isInput in [true, false, false] {
                let ends = try Self.pipe()
                near.append(try Self.raised(isInput ? ends.read : ends.write))
                far.append(isInput ? ends.write : ends.read)
            }
            for file in launch.files { near.append(try Self.raised(file, keeping: true)) }
            id = try Self.spawn(launch, near)
        } catch {
            for descriptor in far { close(descriptor) }
            throw error
        }
        ending = retort_pidfd_open(id)
        let number = errno
        (input, output, errors) = (far[0], far[1], far[2])
        for descriptor in far { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
        guard ending >= 0 else {
            stop()
            throw .system(number, "pidfd_open", launch.command[0])
        }
    }

    deinit { stop() }

    private func stop() {
        if !isReaped { _ = reap() }
        closeInput()
        for descriptor in [output, errors, ending] where descriptor >= 0 { close(descriptor) }
    }

    /// Ends the process and its group, and collects its status. Waits until the kernel has ended the process.
    func reap() -> Status {
        guard !isReaped else { return .unknown }
        // The group is signalled before the number can be reused: other members of it may still run.
        kill(-id, SIGKILL)
        kill(id, SIGKILL)
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0 { if errno != EINTR { break } }
        isReaped = true
        return Status(status)
    }

    func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    func closeOutput() {
        if output >= 0 { close(output) }
        output = -1
    }

    func closeErrors() {
        if errors >= 0 { close(errors) }
        errors = -1
    }

    /// How a process ended.
    enum Status: Sendable, Hashable {
        case exited(Int32)
        case signalled(Int32)
        case unknown

        init(_ status: Int32) {
            let signal = status & 0x7F
            self = signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal)
        }

        /// Completes "the process ...".
        var words: String {
            switch self {
            case .exited(let code): "ended with exit status \(code)"
            case .signalled(let number): "was ended by signal \(number) (\(String(cString: strsignal(number))))"
            case .unknown: "ended"
            }
        }
    }

    // MARK: Starting

    private static func pipe() throws(RetortError) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        guard pipe2(&ends, O_CLOEXEC) == 0 else { throw .system(errno, "pipe2", "a worker") }
        return (ends[0], ends[1])
    }

    /// Duplicates the descriptor to a higher number and closes the old one, unless `keeping`.
    private static func raised(_ descriptor: Int32, keeping: Bool = false) throws(RetortError) -> Int32 {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, sourcesFrom)
        let number = errno
        if !keeping { close(descriptor) }
        guard copy >= 0 else { throw .system(number, "fcntl", "a worker") }
        return copy
    }

    private static func spawn(_ launch: Launch, _ sources: [Int32]) throws(RetortError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (target, source) in sources.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, source, Int32(target))
        }
        _ = posix_spawn_file_actions_addclosefrom_np(&actions, Int32(sources.count))
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var arguments = launch.command.map { strdup($0) } + [nil]
        var environment = launch.environment.map { strdup($0) } + [nil]
        defer {
            for text in arguments + environment { free(text) }
        }
        var id = pid_t()
        let status = posix_spawn(&id, launch.command[0], &actions, &attributes, &arguments, &environment)
        guard status == 0 else { throw .system(status, "posix_spawn", launch.command[0]) }
        return id
    }
}
