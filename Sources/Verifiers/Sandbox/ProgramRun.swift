internal import Basics
internal import CProcess
internal import Glibc

/// One run of a program: its input and its limits.
struct ProgramRun: Sendable {
    /// The program's own command; its paths are relative to the working folder.
    var command: [String]
    /// The files of its working folder, by name.
    var files: [File]
    /// Its standard input.
    var input: [UInt8] = []
    var limits = ProgramLimits()

    struct File: Sendable, Hashable {
        var name: String
        var bytes: [UInt8]
        var isExecutable = false
    }
}

/// The limits of a program.
struct ProgramLimits: Sendable, Hashable {
    /// Wall-clock time.
    var time = Interval.seconds(10)
    /// CPU time of one process, in whole seconds.
    var processorSeconds = 10
    /// Address space of one process; nil for runtimes that reserve memory which they do not use.
    var memoryMebibytes: Int? = 2048
    var processesMax = 64
    var openFilesMax = 256
    /// The size of one file, and of the folder for temporary files.
    var diskMebibytes = 64
    /// Maximum bytes of output and errors together.
    var outputBytesMax = 16 << 20
}

/// The result of a run.
struct ProgramResult: Sendable, Hashable {
    enum Ending: Sendable, Hashable {
        case ended(ChildProcess.Status)
        case outOfTime
        case tooMuchOutput
    }

    var ending: Ending
    var output: [UInt8]
    /// The end of its error output.
    var errors: String
    var time: Interval

    var isSuccess: Bool { ending == .ended(.exited(0)) }
}

/// Stops running programs. Any thread can use it.
final class ProgramStop: Sendable {
    private let isRaised = Locked(false)

    func raise() { isRaised.withLock { $0 = true } }

    /// Throws `.interrupted` once it has been raised.
    func check() throws(RetortError) {
        if isRaised.withLock({ $0 }) { throw RetortError(.interrupted, "the program was stopped with the run") }
    }
}

/// Runs programs to their end. Blocks: call it on threads, never in tasks.
struct ProgramRunner: Sendable {
    let walls: Walls
    let stop: ProgramStop

    init(walls: Walls, stop: ProgramStop = ProgramStop()) {
        self.walls = walls
        self.stop = stop
    }

    /// Bytes kept of a program's error output.
    private static let errorBytesMax = 8 << 10

    /// Throws `.interrupted` when it is stopped.
    func run(_ run: ProgramRun) throws(RetortError) -> ProgramResult {
        try stop.check()
        let folder = try walls.needsFolder ? TemporaryFolder() : nil
        for file in run.files { try folder?.write(file) }
        var memory: [Int32] = []
        defer { for descriptor in memory { close(descriptor) } }
        if folder == nil { for file in run.files { memory.append(try Self.memoryFile(file.bytes)) } }
        let launch = walls.launch(run, files: memory, folder: folder?.path)
        var child = RunningProgram(try ChildProcess(launch), run, errorBytesMax: Self.errorBytesMax)
        return try child.finish(stop)
    }

    /// An open file without a name (memfd), positioned at its start.
    private static func memoryFile(_ bytes: [UInt8]) throws(RetortError) -> Int32 {
        let descriptor = retort_memory_file("program")
        guard descriptor >= 0 else { throw .system(errno, "memfd_create", "a program") }
        var at = 0
        while at < bytes.count {
            let count = bytes.withUnsafeBytes {
                write(descriptor, $0.baseAddress.map { $0 + at }, bytes.count - at)
            }
            let number = errno
            guard count > 0 else {
                close(descriptor)
                throw .system(number, "write", "a program in memory")
            }
            at += count
        }
        lseek(descriptor, 0, SEEK_SET)
        return descriptor
    }
}

/// A running program and what has been read from it.
private struct RunningProgram {
    private let process: ChildProcess
    private let input: [UInt8]
    private let limits: ProgramLimits
    private let began = Instant.now
    private var written = 0
    private var output: [UInt8] = []
    private var errors: TextTail
    private var piece = [UInt8](repeating: 0, count: 64 << 10)

    init(_ process: ChildProcess, _ run: ProgramRun, errorBytesMax: Int) {
        self.process = process
        input = run.input
        limits = run.limits
        errors = TextTail(bytesMax: errorBytesMax)
        if input.isEmpty { process.closeInput() }
    }

    /// How often to check whether the program should be stopped.
    private static let lookMilliseconds: Int64 = 100

    mutating func finish(_ stop: ProgramStop) throws(RetortError) -> ProgramResult {
        while true {
            try stop.check()
            if output.count + errors.count > limits.outputBytesMax { return end(.tooMuchOutput) }
            let left = began + limits.time - .now
            guard left > .zero else { return end(.outOfTime) }
            var wanted = [
                pollfd(fd: process.ending, events: Int16(POLLIN), revents: 0),
                pollfd(fd: process.output, events: Int16(POLLIN), revents: 0),
                pollfd(fd: process.errors, events: Int16(POLLIN), revents: 0),
                pollfd(fd: process.input, events: Int16(POLLOUT), revents: 0),
            ]
            let wait = Int32(min(left.milliseconds + 1, Self.lookMilliseconds))
            guard poll(&wanted, nfds_t(wanted.count), wait) > 0 else { continue }
            if wanted[1].revents != 0 { _ = readOutput() }
            if wanted[2].revents != 0 { _ = readErrors() }
            if wanted[3].revents != 0 { writeInput() }
            if wanted[0].revents != 0 {
                while output.count + errors.count <= limits.outputBytesMax, readOutput() {}
                while output.count + errors.count <= limits.outputBytesMax, readErrors() {}
                return output.count + errors.count > limits.outputBytesMax ? end(.tooMuchOutput) : end(nil)
            }
        }
    }

    private mutating func end(_ ending: ProgramResult.Ending?) -> ProgramResult {
        let status = process.reap()
        return ProgramResult(
            ending: ending ?? .ended(status), output: output, errors: errors.text, time: .now - began)
    }

    private mutating func readOutput() -> Bool {
        guard process.output >= 0 else { return false }
        let count = read(process.output, &piece, piece.count)
        if count > 0 { output.append(contentsOf: piece[..<count]) }
        if count == 0 { process.closeOutput() }
        return count > 0
    }

    private mutating func readErrors() -> Bool {
        guard process.errors >= 0 else { return false }
        let count = read(process.errors, &piece, piece.count)
        if count > 0 { errors.append(piece[..<count]) }
        if count == 0 { process.closeErrors() }
        return count > 0
    }

    private mutating func writeInput() {
        let count = input.withUnsafeBytes {
            write(process.input, $0.baseAddress.map { $0 + written }, input.count - written)
        }
        if count > 0 { written += count }
        // A program may exit without reading its input.
        if count < 0, errno != EAGAIN, errno != EINTR { written = input.count }
        if written == input.count { process.closeInput() }
    }
}

/// A folder private to one run and removed after it.
private final class TemporaryFolder {
    let path: String

    init() throws(RetortError) {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/retort-program-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw .system(errno, "mkdtemp", parent) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func write(_ file: ProgramRun.File) throws(RetortError) {
        let path = "\(path)/\(file.name)"
        let descriptor = open(
            path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, file.isExecutable ? 0o700 : 0o600)
        guard descriptor >= 0 else { throw .system(errno, "open", path) }
        defer { close(descriptor) }
        var at = 0
        while at < file.bytes.count {
            let count = file.bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + at }, file.bytes.count - at)
            }
            guard count > 0 else { throw .system(errno, "write", path) }
            at += count
        }
    }

    deinit {
        // A program may leave nested folders and links; rm does not follow links.
        guard let process = try? ChildProcess(Launch(command: ["/bin/rm", "-rf", "--", path], environment: [])) else {
            return
        }
        var wanted = pollfd(fd: process.ending, events: Int16(POLLIN), revents: 0)
        while poll(&wanted, 1, Self.removalMillisecondsMax) < 0, errno == EINTR {}
    }

    private static let removalMillisecondsMax: Int32 = 60_000
}
