package import Basics
package import Dataset
import Glibc

/// `--log FILE`: the events of a run as JSON lines. A full file is renamed to `FILE.1`, `FILE.2`, ... A line that
/// cannot be written is dropped: the log must not end the run.
package final class EventLog: Sendable {
    private struct State: Sendable {
        var descriptor: Int32
        var bytes: Int
    }

    package static let bytesMaxDefault = 16 << 20
    /// Older files that are kept.
    package static let filesKept = 3

    private let path: String
    private let bytesMax: Int
    private let secrets: Secrets
    private let state: Locked<State>

    /// Throws if the file cannot be opened.
    package init(_ path: String, secrets: Secrets, bytesMax: Int = bytesMaxDefault) throws(RetortError) {
        self.path = path
        self.secrets = secrets
        self.bytesMax = bytesMax
        let opened = Self.open(path)
        guard opened.descriptor >= 0 else { throw .system(errno, "open", path) }
        state = Locked(State(descriptor: opened.descriptor, bytes: opened.bytes))
    }

    deinit { state.withLock { _ = close($0.descriptor) } }

    private static func open(_ path: String) -> (descriptor: Int32, bytes: Int) {
        // Opening a pipe without a reader must not block.
        let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK
        let descriptor = Glibc.open(path, flags, 0o644)
        var state = stat()
        let bytes = descriptor >= 0 && fstat(descriptor, &state) == 0 ? state.st_size : 0
        return (descriptor, bytes)
    }

    /// - Parameter stage: the stage of a pipeline that the event is about.
    package func write(_ event: RunWatch.Event, _ record: RunRecord, stage: String? = nil) {
        typealias Member = JSONTree.Member
        let members = [
            Member("time", .text(UTCTime(Int64(event.time)).iso)), Member("event", .text(event.kind.rawValue)),
            Member("text", .text(secrets.blotted(event.text))), Member("done", .integer(record.done)),
            Member("failed", .integer(record.failed)), Member("pending", JSONTree(record.pending)),
            Member("in_flight", .integer(record.inFlight)), Member("cost_usd", JSONTree(record.cost)),
        ]
        let line = JSONTree.object(members + (stage.map { [Member("stage", .text($0))] } ?? [])).line + [0x0A]
        state.withLock { state in
            if state.bytes > 0, state.bytes + line.count > bytesMax { rotate(&state) }
            let count = line.withUnsafeBytes { Glibc.write(state.descriptor, $0.baseAddress, $0.count) }
            if count > 0 { state.bytes += count }
        }
    }

    private func rotate(_ state: inout State) {
        for number in stride(from: Self.filesKept - 1, through: 1, by: -1) {
            rename("\(path).\(number)", "\(path).\(number + 1)")
        }
        guard rename(path, "\(path).1") == 0 else { return }
        let opened = Self.open(path)
        guard opened.descriptor >= 0 else { return }
        close(state.descriptor)
        state = State(descriptor: opened.descriptor, bytes: opened.bytes)
    }
}
