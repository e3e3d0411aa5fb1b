import Basics
import Glibc
import SegmentStore

extension SimulatedFileSystem {
    /// The machine: the kernel's view, the disk's, and what is between them. A value, so that it can be forked.
    struct State {
        /// Stands for a directory where a file has the number of its inode.
        static let directory = -1

        var random: SeededGenerator
        var inodes: [Int: Inode] = [:]
        var nextInode = 1
        var current: [String: Int] = [:]
        var durable: [String: Int] = [:]
        var changes: [EntryChange] = []
        var locks: Set<String> = []
        var calls = 0
        /// The last of them, in words.
        var lastCall = ""
        /// The call, counted from 1, during which the machine dies.
        var deadline: Int?
        var isDead = false
        var epoch = 0
        var faults: [Call: Fault] = [:]
        var callFaults: [(calls: Range<Int>, number: Int32)] = []
        /// Bytes that fit on the disk in all; nil: no limit.
        var capacity: Int?
        var observer: (@Sendable (SimulatedFileSystem) -> Void)?

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
            /// A directory that was renamed: what it holds moves along.
            var move: (source: String, target: String)?
        }
    }

    /// An error to return: after how many more calls of its kind, and whether for ever.
    struct Fault {
        var after: Int
        var number: Int32
        var repeats: Bool
    }
}

extension SimulatedFileSystem.State {
    typealias Call = SimulatedFileSystem.Call

    var usedBytes: Int {
        Set(current.values).reduce(0) { $0 + (inodes[$1]?.current.count ?? 0) }
    }

    func checkAlive(_ path: String) throws(RetortError) {
        if isDead { throw RetortError(.io, "the simulated machine is dead", at: path) }
    }

    mutating func checkFault(_ call: Call, _ path: String) throws(RetortError) {
        guard let fault = faults[call] else { return }
        if fault.after > 0 {
            faults[call]!.after -= 1
        } else {
            if !fault.repeats { faults[call] = nil }
            throw RetortError.system(fault.number, call.rawValue, path)
        }
    }

    /// Counts a call; throws an injected fault, or dies before the call has an effect.
    mutating func begin(_ call: Call, _ path: String) throws(RetortError) {
        try checkAlive(path)
        calls += 1
        lastCall = "\(call.rawValue) \(path.name)"
        showObserver()
        try checkFault(call, path)
        if let fault = callFaults.first(where: { $0.calls.contains(calls) }) {
            throw RetortError.system(fault.number, call.rawValue, path)
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

    private func showObserver() {
        guard let observer else { return }
        let copy = SimulatedFileSystem(seed: 0)
        copy.state.withLock { $0 = self }
        observer(copy)
    }

    // MARK: Names

    mutating func makeInode() -> Int {
        defer { nextInode += 1 }
        inodes[nextInode] = Inode()
        return nextInode
    }

    mutating func open(_ path: String, _ mode: FileMode) throws(RetortError) -> Int {
        try checkAlive(path)
        try checkFault(.open, path)
        if let existing = current[path] {
            switch mode {
            case .read, .readWrite: return existing
            case .createNew: throw RetortError.system(EEXIST, "open", path)
            case .createEmpty:
                try begin(.truncate, path)
                record(existing, .truncate(0))
                try finish(path)
                return existing
            }
        }
        guard mode == .createNew || mode == .createEmpty, current[path.directory] == Self.directory else {
            throw RetortError.system(ENOENT, "open", path)
        }
        try begin(.create, path)
        let inode = makeInode()
        apply(EntryChange(directory: path.directory, effects: [(path, inode)]))
        try finish(path)
        return inode
    }

    mutating func createDirectory(_ path: String) throws(RetortError) {
        try checkAlive(path)
        if path.isEmpty || current[path] == Self.directory { return }
        try createDirectory(path.directory)
        try begin(.create, path)
        apply(EntryChange(directory: path.directory, effects: [(path, Self.directory)]))
        try finish(path)
        try syncDirectory(path.directory)
    }

    mutating func rename(_ source: String, to target: String) throws(RetortError) {
        try begin(.rename, source)
        guard let inode = current[source] else { throw RetortError.system(ENOENT, "rename", source) }
        apply(
            EntryChange(
                directory: target.directory, effects: [(source, nil), (target, inode)],
                move: inode == Self.directory ? (source, target) : nil))
        try finish(source)
    }

    mutating func syncDirectory(_ path: String) throws(RetortError) {
        try begin(.syncDirectory, path)
        for change in changes where change.directory == path { makeDurable(change) }
        changes.removeAll { $0.directory == path }
        try finish(path)
    }

    mutating func apply(_ change: EntryChange) {
        Self.apply(change, to: &current)
        changes.append(change)
    }

    mutating func makeDurable(_ change: EntryChange) { Self.apply(change, to: &durable) }

    private static func apply(_ change: EntryChange, to names: inout [String: Int]) {
        for effect in change.effects { names[effect.path] = effect.inode }
        guard let (source, target) = change.move else { return }
        for (path, inode) in names where path.hasPrefix(source + "/") {
            names[path] = nil
            names[target + path.dropFirst(source.count)] = inode
        }
    }

    // MARK: Contents

    mutating func write(_ inode: Int, _ bytes: [UInt8], at offset: Int, path: String) throws(RetortError) {
        try begin(.write, path)
        var bytes = bytes
        if let capacity {
            let growth = offset + bytes.count - inodes[inode]!.current.count
            let excess = usedBytes + max(growth, 0) - capacity
            if excess > 0 && growth > 0 {
                bytes.removeLast(min(bytes.count, excess))
                record(inode, .write(offset: offset, bytes: bytes))
                throw RetortError.system(ENOSPC, "write", path)
            }
        }
        if observer != nil, bytes.count > 1 {
            // Killed in the middle of the call: some of it is there.
            var torn = self
            let kept = Int.random(in: 1..<bytes.count, using: &random)
            torn.record(inode, .write(offset: offset, bytes: Array(bytes.prefix(kept))))
            torn.showObserver()
        }
        if calls == deadline { bytes.removeLast(Int.random(in: 0...bytes.count, using: &random)) }
        record(inode, .write(offset: offset, bytes: bytes))
        try finish(path)
    }

    mutating func sync(_ inode: Int, _ path: String) throws(RetortError) {
        do throws(RetortError) {
            try begin(.sync, path)
        } catch {
            // What the kernel could not write it forgets: the next sync reports success, and the data is gone.
            if !isDead { inodes[inode]!.pending = [] }
            throw error
        }
        for operation in inodes[inode]!.pending { Self.apply(operation, to: &inodes[inode]!.durable) }
        inodes[inode]!.pending = []
        try finish(path)
    }

    mutating func record(_ inode: Int, _ operation: Operation) {
        Self.apply(operation, to: &inodes[inode]!.current)
        inodes[inode]!.pending.append(operation)
    }

    static func apply(_ operation: Operation, to content: inout [UInt8]) {
        switch operation {
        case .write(let offset, let bytes):
            guard !bytes.isEmpty else { return }
            resize(&content, to: max(content.count, offset + bytes.count))
            content.withUnsafeMutableBytes { target in
                UnsafeMutableRawBufferPointer(rebasing: target[offset...]).copyBytes(from: bytes)
            }
        case .truncate(let size): resize(&content, to: size)
        }
    }

    private static func resize(_ content: inout [UInt8], to size: Int) {
        if content.count > size {
            content.removeLast(content.count - size)
        } else if content.count < size {
            content.append(contentsOf: [UInt8](repeating: 0, count: size - content.count))
        }
    }

    // MARK: The end

    mutating func restart() {
        isDead = false
        deadline = nil
        locks = []
        epoch += 1
    }

    mutating func losePending() {
        for number in inodes.keys.sorted() where !inodes[number]!.pending.isEmpty {
            var content = inodes[number]!.durable
            for operation in inodes[number]!.pending { applyWhatWasKept(of: operation, to: &content) }
            inodes[number]!.durable = content
        }
        for change in changes where Int.random(in: 0..<3, using: &random) > 0 { makeDurable(change) }
        changes = []
        // A file is lost with its directory.
        var kept = durable
        for path in durable.keys.sorted() where !path.directory.isEmpty {
            if kept[path.directory] != Self.directory { kept[path] = nil }
        }
        durable = kept
        current = durable
        let linked = Set(current.values)
        for number in Array(inodes.keys) {
            if linked.contains(number) {
                inodes[number] = Inode(current: inodes[number]!.durable, durable: inodes[number]!.durable)
            } else {
                inodes[number] = nil
            }
        }
    }

    private mutating func applyWhatWasKept(of operation: Operation, to content: inout [UInt8]) {
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
