public import Basics
public import SegmentStore

/// A file system in memory that can crash.
///
/// It keeps what the kernel would show and, separately, what the disk would have. A file's writes and truncations are
/// pending until `syncData`, a directory's entries until `syncDirectory`. `cutPower` keeps any subset of the pending
/// changes: writes are dropped, torn at a sector, filled with zeros, or kept; each entry may be kept or lost
/// independently. Renaming a directory makes none of its content durable. `kill` keeps everything, but the current call
/// may have happened only in part.
///
/// `fork` copies the machine, so that one run of a workload can crash at each of its calls.
public final class SimulatedFileSystem: FileSystem {
    public static let sectorBytes = 512

    let state: Locked<State>

    public init(seed: UInt64) {
        state = Locked(State(random: SeededGenerator(seed: seed)))
    }

    private init(_ state: sending State) { self.state = Locked(state) }

    /// Which calls to count for faults. All except `open` and `read` change something.
    public enum Call: String, Sendable, CaseIterable {
        case create, write, truncate, sync, rename, remove, syncDirectory, open, read
    }

    // MARK: Faults

    /// The number of changing calls so far, including failed ones.
    public var calls: Int { state.withLock { $0.calls } }

    /// The latest of them, for messages.
    public var lastCall: String { state.withLock { $0.lastCall } }

    /// Crashes during the given call, counted over the file system's life; nil: never.
    public func die(duringCall call: Int?) { state.withLock { $0.deadline = call } }

    public var isDead: Bool { state.withLock { $0.isDead } }

    /// Lets calls of a kind fail with an error number, after `after` of them; only for paths that contain `part`, if
    /// given.
    public func fail(_ call: Call, on part: String? = nil, after: Int = 0, with number: Int32, repeats: Bool = false) {
        state.withLock { $0.faults[call] = Fault(part: part, after: after, number: number, repeats: repeats) }
    }

    /// Lets the calls with these numbers fail, of whatever kind.
    public func fail(calls: Range<Int>, with number: Int32) {
        state.withLock { $0.callFaults.append((calls, number)) }
    }

    public func clearFaults() {
        state.withLock {
            $0.faults = [:]
            $0.callFaults = []
            $0.capacity = nil
        }
    }

    /// Limits the disk to its current content and `bytes` more.
    public func limitSpace(toFurther bytes: Int) {
        state.withLock { state in state.capacity = state.usedBytes + bytes }
    }

    /// Called before each changing call, and in the middle of each write, with the current machine. Only one thread may
    /// use the file system then.
    public func observe(_ observer: (@Sendable (SimulatedFileSystem) -> Void)?) {
        state.withLock { $0.observer = observer }
    }

    /// A copy of the machine without scheduled faults; its later random choices follow from `seed`.
    public func fork(seed: UInt64) -> SimulatedFileSystem {
        var copy = state.withLock { $0 }
        copy.random = SeededGenerator(seed: seed)
        copy.observer = nil
        copy.faults = [:]
        copy.callFaults = []
        copy.capacity = nil
        return SimulatedFileSystem(copy)
    }

    /// The process has ended; the kernel and its memory have not.
    public func kill() { state.withLock { $0.restart() } }

    /// The power was cut: any part of the pending changes is on the disk.
    public func cutPower() {
        state.withLock { state in
            state.losePending()
            state.restart()
        }
    }

    /// Every file and its content.
    public var snapshot: [String: [UInt8]] {
        state.withLock { state in
            state.current.compactMapValues { state.inodes[$0]?.current }
        }
    }

    /// Changes a file from outside, durably.
    public func overwrite(_ path: String, with bytes: [UInt8]?) {
        state.withLock { $0.overwrite(path, with: bytes) }
    }

    // MARK: FileSystem

    public func open(_ path: String, _ mode: FileMode) throws(RetortError) -> any StoreFile {
        let (inode, epoch) = try state.withLock { state throws(RetortError) in
            (try state.open(path, mode), state.epoch)
        }
        return SimulatedFile(path: path, inode: inode, epoch: epoch, state: state)
    }

    public func createDirectory(_ path: String) throws(RetortError) {
        try state.withLock { state throws(RetortError) in try state.createDirectory(path) }
    }

    public func entries(of directory: String) throws(RetortError) -> [String] {
        try state.withLock { state throws(RetortError) in
            try state.checkAlive(directory)
            try state.checkFault(.read, directory)
            let prefix = directory + "/"
            return state.current.keys.filter { $0.hasPrefix(prefix) && $0.directory.utf8.count == directory.utf8.count }
                .map(\.name).sorted()
        }
    }

    public func size(of path: String) throws(RetortError) -> Int? {
        try state.withLock { state throws(RetortError) in
            try state.checkAlive(path)
            guard let number = state.current[path] else { return nil }
            return state.inodes[number]?.current.count ?? 0
        }
    }

    public func rename(_ source: String, to target: String) throws(RetortError) {
        try state.withLock { state throws(RetortError) in try state.rename(source, to: target) }
    }

    public func remove(_ path: String) throws(RetortError) {
        try state.withLock { state throws(RetortError) in try state.remove(path) }
    }

    public func removeDirectory(_ path: String) throws(RetortError) {
        guard try entries(of: path).isEmpty else { throw RetortError.system(39, "rmdir", path) }
        try remove(path)
    }

    public func syncDirectory(_ path: String) throws(RetortError) {
        try state.withLock { state throws(RetortError) in try state.syncDirectory(path) }
    }

    public func lock(_ path: String) throws(RetortError) -> any FileLock {
        try state.withLock { state throws(RetortError) in
            guard state.locks.insert(path).inserted else {
                throw RetortError(.busy, "another process is writing here", at: path)
            }
        }
        return SimulatedLock(path: path, epoch: state.withLock { $0.epoch }, state: state)
    }

    public func lockHolder(_ path: String) throws(RetortError) -> String? {
        state.withLock { $0.locks.contains(path) } ? "the test" : nil
    }
}

extension String {
    var directory: String { lastIndex(of: "/").map { String(self[..<$0]) } ?? "" }
    var name: String { lastIndex(of: "/").map { String(self[index(after: $0)...]) } ?? self }
}
