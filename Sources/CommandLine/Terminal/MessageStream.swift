public import Basics

/// Standard error: whole lines, and the progress line, which they must not break. Never throws: there is nowhere to
/// report an error.
///
/// Any thread may call it. Texts are written whole and in order; a thread that arrives while another one is writing
/// leaves its text to that thread.
public final class MessageStream: Sendable {
    private struct State {
        var display: ProgressDisplay
        /// Replaces the display if several parts are shown.
        var board: ProgressBoard?
        var pending: [UInt8] = []
        var isWriting = false
    }

    private let writer: DescriptorWriter
    /// Whether what it writes are JSON objects.
    public let writesJSON: Bool
    private let state: Locked<State>
    /// For a part of the work, the stream of the whole.
    private let whole: (stream: MessageStream, number: Int, name: String)?
    private let style: ProgressStyle
    /// The terminal's properties when the stream was opened.
    public let terminal: Terminal
    /// The styles of its messages.
    public let palette: Palette

    /// - Parameter descriptor: standard error's, unless a test says otherwise.
    public init(
        descriptor: Int32 = 2, terminal: Terminal, palette: Palette, progress: ProgressStyle = .none,
        itemsEvery: Int? = nil
    ) {
        whole = nil
        style = progress
        writer = DescriptorWriter(descriptor: descriptor, name: "standard error")
        self.terminal = terminal
        self.palette = palette
        writesJSON = if case .json = progress { true } else { false }
        state = Locked(
            State(
                display: ProgressDisplay(progress, width: terminal.width, palette: palette, itemsEvery: itemsEvery)))
    }

    /// The stream of one part of the work: its lines begin with its name, and its progress is one of several lines.
    private init(_ number: Int, _ name: String, of stream: MessageStream) {
        writer = stream.writer
        terminal = stream.terminal
        palette = stream.palette
        writesJSON = stream.writesJSON
        style = stream.style
        whole = (stream, number, name)
        state = Locked(State(display: ProgressDisplay(.none, width: 0, palette: .plain)))
    }

    /// Streams for the parts of the work, whose progress is shown side by side on this one from now on.
    public func parts(_ names: [String]) -> [MessageStream] {
        state.withLock { state in
            state.board = ProgressBoard(names, style, width: terminal.width, palette: palette)
        }
        return names.enumerated().map { MessageStream($0.offset, $0.element, of: self) }
    }

    /// Ends the display of parts.
    public func endParts() {
        emit { state in
            defer { state.board = nil }
            return state.board?.end() ?? ""
        }
    }

    /// Writes a line. The caller must remove control characters: see `CellWidth.sanitized`.
    public func line(_ text: String) {
        if let whole { return whole.stream.line("\(whole.name): \(text)") }
        emit { state in state.board?.message(text) ?? state.display.message(text) }
    }

    /// Writes an event among the progress objects: a JSON object on a line.
    public func event(_ json: String) {
        if let whole { return whole.stream.event(json) }
        emit { _ in json + "\n" }
    }

    /// Writes `name: message` of an error, sanitised; nothing for a broken pipe.
    public func report(_ error: any Error, from name: String) {
        let error = error as? RetortError ?? RetortError(.io, String(describing: error))
        if error.isBrokenPipe { return }
        line(palette.red("\(name):") + " " + CellWidth.sanitized(error.description))
    }

    /// Shows the progress, as often as the style permits. If the stream is blocked, frames are skipped.
    public func show(_ snapshot: ProgressSnapshot, now: Instant) {
        if let whole { return whole.stream.show(whole.number, snapshot, now: now) }
        let width = Terminal.windowWidth(writer.descriptor)
        emit { state in
            guard state.pending.isEmpty else { return "" }
            if let width { state.display.width = width }
            return state.display.update(snapshot, now: now)
        }
    }

    /// Shows the last state and ends the progress line.
    public func finish(_ snapshot: ProgressSnapshot, now: Instant) {
        if let whole { return whole.stream.finish(whole.number, snapshot, now: now) }
        emit { state in state.display.finish(snapshot, now: now) }
    }

    private func show(_ number: Int, _ snapshot: ProgressSnapshot, now: Instant) {
        let width = Terminal.windowWidth(writer.descriptor)
        emit { state in
            guard state.pending.isEmpty else { return "" }
            if let width { state.board?.width = width }
            return state.board?.update(number, snapshot, now: now) ?? ""
        }
    }

    private func finish(_ number: Int, _ snapshot: ProgressSnapshot, now: Instant) {
        emit { state in state.board?.finish(number, snapshot, now: now) ?? "" }
    }

    /// Whether some thread is currently writing.
    var isWriting: Bool { state.withLock { $0.isWriting } }

    private func emit(_ text: (inout State) -> String) {
        let isMine = state.withLock { state in
            state.pending += text(&state).utf8
            defer { state.isWriting = state.isWriting || !state.pending.isEmpty }
            return !state.isWriting && !state.pending.isEmpty
        }
        if isMine { drain() }
    }

    private func drain() {
        while true {
            let bytes: [UInt8] = state.withLock { state in
                let bytes = state.pending
                state.pending = []
                state.isWriting = !bytes.isEmpty
                return bytes
            }
            if bytes.isEmpty { return }
            try? writer.write(bytes.span.bytes)
        }
    }
}
