public import Basics

/// Standard error: whole lines, and the progress line that they must not tear. Never throws: there is no one left to tell.
///
/// Any thread may call it. Texts reach the stream whole and in order; whoever comes while another thread is writing
/// leaves the text to that thread.
public final class MessageStream: Sendable {
    private struct State {
        var display: ProgressDisplay
        var pending: [UInt8] = []
        var isWriting = false
    }

    private let writer: DescriptorWriter
    /// Whether what it writes are JSON objects.
    public let writesJSON: Bool
    private let state: Locked<State>
    /// What the stream was found to be when it was opened.
    public let terminal: Terminal
    /// The styles of its messages.
    public let palette: Palette

    /// - Parameter descriptor: standard error's, unless a test says otherwise.
    public init(
        descriptor: Int32 = 2, terminal: Terminal, palette: Palette, progress: ProgressStyle = .none,
        itemsEvery: Int? = nil
    ) {
        writer = DescriptorWriter(descriptor: descriptor, name: "standard error")
        self.terminal = terminal
        self.palette = palette
        writesJSON = if case .json = progress { true } else { false }
        state = Locked(
            State(
                display: ProgressDisplay(progress, width: terminal.width, palette: palette, itemsEvery: itemsEvery)))
    }

    /// Writes a line. Control characters in it are the caller's affair: see `CellWidth.sanitized`.
    public func line(_ text: String) {
        emit { state in state.display.message(text) }
    }

    /// Writes an event among the progress objects: a JSON object on a line.
    public func event(_ json: String) {
        emit { _ in json + "\n" }
    }

    /// Writes `name: message` of an error, sanitised; nothing for a broken pipe.
    public func report(_ error: any Error, from name: String) {
        let error = error as? RetortError ?? RetortError(.io, String(describing: error))
        if error.isBrokenPipe { return }
        line(palette.red("\(name):") + " " + CellWidth.sanitized(error.description))
    }

    /// Shows how far the work is, as often as the style allows. While the stream takes nothing, frames are left out.
    public func show(_ snapshot: ProgressSnapshot, now: Instant) {
        let width = Terminal.windowWidth(writer.descriptor)
        emit { state in
            guard state.pending.isEmpty else { return "" }
            if let width { state.display.width = width }
            return state.display.update(snapshot, now: now)
        }
    }

    /// Shows the last state and ends the progress line.
    public func finish(_ snapshot: ProgressSnapshot, now: Instant) {
        emit { state in state.display.finish(snapshot, now: now) }
    }

    /// Whether some thread is writing right now.
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
