import Basics
import CommandLine
import Dataset
import Distillation
import Glibc
import JSONText
import Reporting

/// `retort top`: a run on a terminal, redrawn in place, with keys.
enum TopCommand {
    static let spec = CommandSpec(
        "top", summary: "watch a run on a terminal, with keys to pause it and to change its window",
        details: """
            Keys: p pauses, r resumes, + and - change the window by a quarter, d drains, q quits (the run continues). \
            Shows what `watch` shows on a page.
            """,
        examples: [ExampleSpec("retort top runs/a", "q quits")],
        operands: [OperandSpec("STORE", kind: .path, summary: "the directory of a run, or of stages")], options: [],
        exitCodes: [.notFound, .badData, .io, .configuration])

    private static let drawMilliseconds: Int32 = 500
    private static let windowStep = 1.25

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        let root = command.operand("STORE")!
        let terminal = Terminal.standardOutput(environment: context.environment)
        guard terminal.isTerminal, isatty(0) == 1 else {
            throw RetortError(
                .usage, "top needs a terminal", remedy: "Use `retort status \(root) --watch` elsewhere.")
        }
        let follower = try StoreFollower(root)
        follower.start()
        defer { follower.stop() }
        let raw = RawTerminal()
        defer { raw.restore() }
        let isEnding = Locked(false)
        SignalWatcher.onSignal { _ in isEnding.withLock { $0 = true } }
        var screen = RedrawnLines(width: terminal.width)
        var reply = ""
        let output = DataOutput.standardOutput()
        while !isEnding.withLock({ $0 }) {
            let size = Self.size()
            screen.width = size.columns
            let state = follower.snapshot
            let top = TopScreen(state: state, durations: follower.durations, title: root, reply: reply)
            try output.write(screen.draw(top.lines(width: size.columns, height: size.rows)))
            try output.flush()
            guard let key = key() else { continue }
            if key == "q" { break }
            if let words = words(for: key, state.record) { reply = send(words, to: root) }
        }
        return .ok
    }

    /// The terminal's current size, which may change at any time.
    private static func size() -> (columns: Int, rows: Int) {
        var window = winsize()
        guard ioctl(1, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0, window.ws_row > 0 else { return (80, 24) }
        return (Int(window.ws_col), Int(window.ws_row))
    }

    /// A key pressed within the redraw interval.
    private static func key() -> Character? {
        var polled = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
        guard poll(&polled, 1, drawMilliseconds) > 0 else { return nil }
        var byte: UInt8 = 0
        // The terminal is gone.
        guard read(0, &byte, 1) == 1 else { return "q" }
        return Character(Unicode.Scalar(byte))
    }

    static func words(for key: Character, _ record: RunRecord) -> [String]? {
        let most = max(1, record.concurrencyMax)
        return switch key {
        case "p": ["pause"]
        case "r": ["resume"]
        case "d": ["drain"]
        case "+": ["set", "concurrency=\(max(most + 1, Int(Double(most) * windowStep)))"]
        case "-": ["set", "concurrency=\(max(1, min(most - 1, Int(Double(most) / windowStep))))"]
        default: nil
        }
    }

    private static func send(_ words: [String], to root: String) -> String {
        do throws(RetortError) {
            let reply = try ControlRoute.send(try ControlCommand(words), to: root)
            let parsed = try? JSONParser().parse(reply).root
            return parsed?["message"]?.string ?? parsed?["error"]?.string ?? ""
        } catch {
            return error.description
        }
    }
}

/// Reads standard input key by key, without echo.
private struct RawTerminal {
    private var saved = termios()

    init() {
        tcgetattr(0, &saved)
        var raw = saved
        raw.c_lflag &= ~UInt32(ICANON | ECHO)
        tcsetattr(0, TCSANOW, &raw)
    }

    func restore() {
        var saved = saved
        tcsetattr(0, TCSANOW, &saved)
    }
}
