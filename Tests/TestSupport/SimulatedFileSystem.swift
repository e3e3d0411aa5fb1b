public import Basics
import Glibc
public import SegmentStore

/// A file system in memory that can die.
///
/// It keeps what the kernel would show and, apart from it, what the disk would have. A file's writes and truncations
/// stay pending until `syncData`, a directory's entries until `syncDirectory`. `cutPower` keeps any subset of what is
/// pending: writes are dropped, torn at a sector, filled with zeros, or kept; entries may be kept or lost each by
/// itself. `kill` keeps everything, but the call that was under way may have happened in part.
public final class SimulatedFileSystem: FileSystem {
    public static let sectorBytes = 512

    private let state: Locked<State>

    public init(seed: UInt64) {
        state = Locked(State(random: SeededGenerator(seed: seed)))
    }

    /// Which calls to count for faults.
    public enum Call: String, Sendable, CaseIterable {
        case create, write, truncate, sync, rename, remove, syncDirectory
    }

    struct Inode {
        var current: [UInt8] = []
        var durable: [UInt8] = []
        var pending: [Operation] = []
    }

    enum Operation {
        case write(offset: Int, bytes: [UInt8])
        case truncate(Int)
    }

    /// A change of the name space that a directory sync makes durable.
    struct EntryChange {
        var directory: String
        /// What each path leads to afterwards; nil: nothing.
        var effects: [(path: String, inode: Int?)]
        /// A directory that was renamed: whatever it durably holds moves along.
        var move: (source: String, target: String)?
    }

    struct State {
        var random: SeededGenerator
        var inodes: [Int: Inode] = [:]
        var nextInode = 1
        var current: [String: Int] = [:]
        var durable: [String: Int] = [:]
        var changes: [EntryChange] = []
        var locks: Set<String> = []
        var calls = 0
        /// The call, counted from 1, during which the machine dies.
        var deadline: Int?
        var isDead = false
        var epoch = 0
        /// Errors to return, by call: after how many more calls of that kind, and which.
        var faults: [Call: (after: Int, number: Int32, repeats: Bool)] = [:]
        /// Bytes that fit on the disk in all; nil: no limit.
        var capacity: Int?
    }

    // MARK: Faults

    /// Calls that changed something so far.
    public var calls: Int { state.withLock { $0.calls } }

    /// Dies during the given call, counted over the file system's life; nil: never.
    public func die(duringCall call: Int?) { state.withLock { $0.deadline = call } }

    public var isDead: Bool { state.withLock { $0.isDead } }

    /// Lets calls of a kind fail with an error number, from the `after`-th on.
    public func fail(_ call: Call, after: Int = 0, with number: Int32, repeats: Bool = false) {
        state.withLock { $0.faults[call] = (after, number, repeats) }
    }

    public func clearFaults() {
        state.withLock {
            $0.faults = [:]
            $0.capacity = nil
        }
    }

    /// Limits the disk to what is on it now and `bytes` more.
    public func limitSpace(toFurther bytes: Int) {
        state.withLock { state in state.capacity = state.usedBytes + bytes }
    }

    /// The process is gone; the kernel and its memory are not.
    public func kill() {
        state.withLock { $0.restart() }
    }

    /// The power is gone: of what was pending, any part is on the disk.
    public func cutPower() {
        state.withLock { state in
            state.losePending()
            state.restart()
        }
    }

    /// Every file and its content.
    public var snapshot: [String: [UInt8]] {
        state.withLock { state in state.current.mapValues { state.inodes[$0]!.current } }
    }

    /// Changes a file behind everybody's back, durably.
    public func overwrite(_ path: String, with bytes: [UInt8]?) {
        state.withLock { state in
            if let bytes {
                let number = state.current[path] ?? state.makeInode()
                state.inodes[number] = Inode(current: bytes, durable: bytes)
                state.current[path] = number
                state.durable[path] = number
            } else {
                state.current[path] = nil
                state.durable[path] = nil
            }
        }
    }

    // MARK: FileSystem

    public func open(_ path: String, _ mode: FileMode) throws(RetortError) -> any StoreFile {
        let (inode, epoch) = try state.withLock { state throws(RetortError) in
            (try state.open(path, mode), state.epoch)
        }
        return SimulatedFile(path: path, inode: inode, epoch: epoch, state: state)
    }

    public func createDirectory(_ path: String) throws(RetortError) {}

    public func entries(of directory: String) throws(RetortError) -> [String] {
        try state.withLock { state throws(RetortError) in
            try state.checkAlive(directory)
            return state.current.keys.filter { $0.directory == directory }.map(\.name).sorted()
        }
    }

    public func size(of path: String) throws(RetortError) -> Int? {
        try state.withLock { state throws(RetortError) in
            try state.checkAlive(path)
            return state.current[path].map { state.inodes[$0]!.current.count }
        }
    }

    public func rename(_ source: String, to target: String) throws(RetortError) {
        try state.withLock { state throws(RetortError) in
            try state.begin(.rename, source)
            if let inode = state.current[source] {
                state.apply(EntryChange(directory: target.directory, effects: [(source, nil), (target, inode)]))
            } else if state.current.keys.contains(where: { $0.hasPrefix(source + "/") }) {
                state.apply(EntryChange(directory: target.directory, effects: [], move: (source, target)))
            } else {
                throw RetortError.system(ENOENT, "rename", source)
            }
            try state.finish(source)
        }
    }

    public func remove(_ path: String) throws(RetortError) {
        try state.withLock { state throws(RetortError) in
            guard state.current[path] != nil else { return }
            try state.begin(.remove, path)
            state.apply(EntryChange(directory: path.directory, effects: [(path, nil)]))
            try state.finish(path)
        }
    }

    public func removeDirectory(_ path: String) throws(RetortError) {}

    public func syncDirectory(_ path: String) throws(RetortError) {
        try state.withLock { state throws(RetortError) in
            try state.begin(.syncDirectory, path)
            for change in state.changes where change.directory == path { state.makeDurable(change) }
            state.changes.removeAll { $0.directory == path }
            try state.finish(path)
        }
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

extension SimulatedFileSystem.State {
    var usedBytes: Int { inodes.values.reduce(0) { $0 + $1.current.count } }

    func checkAlive(_ path: String) throws(RetortError) {
        if isDead { throw RetortError(.io, "the simulated machine is dead", at: path) }
    }

    /// Counts a call; throws an injected fault, or dies before the call has an effect.
    mutating func begin(_ call: SimulatedFileSystem.Call, _ path: String) throws(RetortError) {
        try checkAlive(path)
        calls += 1
        if let fault = faults[call] {
            if fault.after > 0 {
                faults[call]!.after -= 1
            } else {
                if !fault.repeats { faults[call] = nil }
                throw RetortError.system(fault.number, call.rawValue, path)
            }
        }
        if calls == deadline && Bool.random(using: &random) {
            isDead = true
            try checkAlive(path)
        }
    }

    /// Dies after the call had its effect, if this is the one.
    mutating func finish(_ path: String) throws(RetortError) {
        if calls == deadline {
            isDead = true
            try checkAlive(path)
        }
    }

    mutating func makeInode() -> Int {
        defer { nextInode += 1 }
        inodes[nextInode] = SimulatedFileSystem.Inode()
        return nextInode
    }

    mutating func open(_ path: String, _ mode: FileMode) throws(RetortError) -> Int {
        try checkAlive(path)
        if let existing = current[path] {
            switch mode {
            case .read, .readWrite: return existing
            case .createNew: throw RetortError.system(EEXIST, "open", path)
            case .createEmpty:
                try begin(.truncate, path)
                inodes[existing]!.current = []
                inodes[existing]!.pending.append(.truncate(0))
                try finish(path)
                return existing
            }
        }
        guard mode == .createNew || mode == .createEmpty else { throw RetortError.system(ENOENT, "open", path) }
        try begin(.create, path)
        let inode = makeInode()
        apply(SimulatedFileSystem.EntryChange(directory: path.directory, effects: [(path, inode)]))
        try finish(path)
        return inode
    }

    mutating func apply(_ change: SimulatedFileSystem.EntryChange) {
        Self.apply(change, to: &current)
        changes.append(change)
    }

    mutating func makeDurable(_ change: SimulatedFileSystem.EntryChange) {
        Self.apply(change, to: &durable)
    }

    private static func apply(_ change: SimulatedFileSystem.EntryChange, to names: inout [String: Int]) {
        for effect in change.effects { names[effect.path] = effect.inode }
        guard let (source, target) = change.move else { return }
        for (path, inode) in names where path.hasPrefix(source + "/") {
            names[path] = nil
            names[target + path.dropFirst(source.count)] = inode
        }
    }

    mutating func write(_ inode: Int, _ bytes: [UInt8], at offset: Int, path: String) throws(RetortError) {
        try begin(.write, path)
        var bytes = bytes
        if let capacity, usedBytes + bytes.count > capacity {
            bytes = Array(bytes.prefix(max(0, capacity - usedBytes)))
            record(inode, .write(offset: offset, bytes: bytes))
            throw RetortError.system(ENOSPC, "write", path)
        }
        if calls == deadline {
            // Killed in the middle of the call: some of it is there.
            bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
        }
        record(inode, .write(offset: offset, bytes: bytes))
        try finish(path)
    }

    mutating func record(_ inode: Int, _ operation: SimulatedFileSystem.Operation) {
        Self.apply(operation, to: &inodes[inode]!.current)
        inodes[inode]!.pending.append(operation)
    }

    static func apply(_ operation: SimulatedFileSystem.Operation, to content: inout [UInt8]) {
        switch operation {
        case .write(let offset, let bytes):
            guard !bytes.isEmpty else { return }
            if content.count < offset + bytes.count {
                content.append(contentsOf: repeatElement(0, count: offset + bytes.count - content.count))
            }
            content.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        case .truncate(let size):
            if content.count > size {
                content.removeLast(content.count - size)
            } else {
                content.append(contentsOf: repeatElement(0, count: size - content.count))
            }
        }
    }

    mutating func restart() {
        isDead = false
        deadline = nil
        locks = []
        epoch += 1
    }

    mutating func losePending() {
        for number in inodes.keys.sorted() {
            var content = inodes[number]!.durable
            for operation in inodes[number]!.pending { applyWhatWasKept(of: operation, to: &content) }
            inodes[number] = SimulatedFileSystem.Inode(current: content, durable: content)
        }
        for change in changes where Int.random(in: 0..<3, using: &random) > 0 { makeDurable(change) }
        changes = []
        current = durable
    }

    private mutating func applyWhatWasKept(of operation: SimulatedFileSystem.Operation, to content: inout [UInt8]) {
        guard case .write(let offset, let bytes) = operation else {
            if Bool.random(using: &random) { Self.apply(operation, to: &content) }
            return
        }
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return
        case 1:
            // Torn at a sector's edge of the file.
            let sectors = (offset + bytes.count) / SimulatedFileSystem.sectorBytes + 1
            let edge = Int.random(in: 0...sectors, using: &random) * SimulatedFileSystem.sectorBytes
            let kept = max(0, min(bytes.count, edge - offset))
            Self.apply(.write(offset: offset, bytes: Array(bytes.prefix(kept))), to: &content)
        case 2:
            // The length is there, the data is not.
            Self.apply(.write(offset: offset, bytes: [UInt8](repeating: 0, count: bytes.count)), to: &content)
        default:
            Self.apply(operation, to: &content)
        }
    }
}

private final class SimulatedFile: StoreFile {
    let path: String
    private let inode: Int
    private let epoch: Int
    private let state: Locked<SimulatedFileSystem.State>

    init(path: String, inode: Int, epoch: Int, state: Locked<SimulatedFileSystem.State>) {
        self.path = path
        self.inode = inode
        self.epoch = epoch
        self.state = state
    }

    private func alive<Result>(
        _ body: (inout SimulatedFileSystem.State) throws(RetortError) -> Result
    ) throws(RetortError) -> Result {
        try state.withLock { state throws(RetortError) in
            // A descriptor of a process that is gone.
            guard state.epoch == epoch else { throw RetortError(.io, "the process is dead", at: path) }
            try state.checkAlive(path)
            return try body(&state)
        }
    }

    func size() throws(RetortError) -> Int {
        try alive { state throws(RetortError) in state.inodes[inode]!.current.count }
    }

    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(RetortError) -> Int {
        try alive { state throws(RetortError) in
            let content = state.inodes[inode]!.current
            guard offset < content.count else { return 0 }
            let count = min(buffer.count, content.count - offset)
            buffer.copyBytes(from: content[offset..<offset + count])
            return count
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(RetortError) {
        let copy = Array(bytes)
        try alive { state throws(RetortError) in try state.write(inode, copy, at: offset, path: path) }
    }

    func truncate(to size: Int) throws(RetortError) {
        try alive { state throws(RetortError) in
            try state.begin(.truncate, path)
            state.record(inode, .truncate(size))
            try state.finish(path)
        }
    }

    func syncData() throws(RetortError) {
        try alive { state throws(RetortError) in
            do throws(RetortError) {
                try state.begin(.sync, path)
            } catch {
                // What the kernel could not write it forgets: the next sync would report success.
                if !state.isDead { state.inodes[inode]!.pending = [] }
                throw error
            }
            state.inodes[inode]!.durable = state.inodes[inode]!.current
            state.inodes[inode]!.pending = []
            try state.finish(path)
        }
    }

    func map() throws(RetortError) -> MappedBytes {
        try alive { state throws(RetortError) in MappedBytes(copying: state.inodes[inode]!.current) }
    }
}

private final class SimulatedLock: FileLock {
    private let path: String
    private let epoch: Int
    private let state: Locked<SimulatedFileSystem.State>

    init(path: String, epoch: Int, state: Locked<SimulatedFileSystem.State>) {
        self.path = path
        self.epoch = epoch
        self.state = state
    }

    deinit { release() }

    func release() {
        state.withLock { state in
            if state.epoch == epoch { state.locks.remove(path) }
        }
    }
}

extension String {
    fileprivate var directory: String { lastIndex(of: "/").map { String(self[..<$0]) } ?? "" }
    fileprivate var name: String { lastIndex(of: "/").map { String(self[index(after: $0)...]) } ?? self }
}
