import Basics
import Glibc
import SegmentStore

extension SimulatedFileSystem {
    /// The machine: the kernel's view, the disk's, and the pending changes between them. A value, so that it can be
    /// forked.
    struct State {
        /// The number of the topmost directory, whose path is empty.
        static let top = 0

        var random: SeededGenerator
        /// The files; a directory has a number as well.
        var inodes: [Int: Inode] = [:]
        var directories: Set<Int> = [top]
        var nextInode = 1
        /// By path, what the kernel shows.
        var current: [String: Int] = ["": top]
        /// By directory and name, what the disk has. A renamed directory keeps what the disk has of it, and nothing
        /// else.
        var durable: [Int: [String: Int]] = [:]
        var changes: [EntryChange] = []
        var locks: Set<String> = []
        var calls = 0
        /// The latest call, as text.
        var lastCall = ""
        /// The call, counted from 1, during which the machine crashes.
        var deadline: Int?
        var isDead = false
        var epoch = 0
        var faults: [Call: Fault] = [:]
        var callFaults: [(calls: Range<Int>, number: Int32)] = []
        /// Capacity of the disk in bytes; nil: no limit.
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
            var directory: Int
            /// What each name refers to afterwards; nil: nothing.
            var effects: [(directory: Int, name: String, inode: Int?)]
        }
    }

    /// An error to return: after how many calls of its kind, and whether permanently.
    struct Fault {
        var part: String?
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
        guard let fault = faults[call], fault.part.map(path.contains) ?? true else { return }
        if fault.after > 0 {
            faults[call]!.after -= 1
        } else {
            if !fault.repeats { faults[call] = nil }
            throw RetortError.system(fault.number, call.rawValue, path)
        }
    }

    /// Counts a call; throws an injected fault, or crashes before the call has an effect.
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

    /// Crashes after the call's effect, if this is the chosen call.
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
            // Killed in the middle of the call: a part of it has happened.
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
            // The kernel forgets what it could not write: the next sync reports success, and the data is lost.
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

    // MARK: Crashes

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
        current = [:]
        show(Self.top, as: "")
        let linked = Set(current.values)
        directories.formIntersection(linked)
        durable = durable.filter { linked.contains($0.key) }
        inodes = inodes.filter { linked.contains($0.key) }
            .mapValues { Inode(current: $0.durable, durable: $0.durable) }
    }

    /// Makes the disk's content of a directory visible to the kernel.
    private mutating func show(_ number: Int, as path: String) {
        current[path] = number
        guard directories.contains(number) else { return }
        for (name, entry) in durable[number] ?? [:] { show(entry, as: path + "/" + name) }
    }

    private mutating func applyWhatWasKept(of operation: Operation, to content: inout [UInt8]) {
        guard case .write(let offset, let bytes) = operation else {
            if Bool.random(using: &random) { Self.apply(operation, to: &content) }
            return
        }
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return
        case 1:
            // Torn at a sector boundary of the file.
            let sectors = (offset + bytes.count) / SimulatedFileSystem.sectorBytes + 1
            let edge = Int.random(in: 0...sectors, using: &random) * SimulatedFileSystem.sectorBytes
            let kept = max(0, min(bytes.count, edge - offset))
            Self.apply(.write(offset: offset, bytes: Array(bytes.prefix(kept))), to: &content)
        case 2:
            // The length is there, the data is not. Where the disk had data, it has the old data or the new.
            let kept = max(0, min(bytes.count, content.count - offset))
            var part =
                Bool.random(using: &random) ? bytes[..<kept] : content[min(offset, content.count)...].prefix(kept)
            part.append(contentsOf: [UInt8](repeating: 0, count: bytes.count - kept))
            Self.apply(.write(offset: offset, bytes: Array(part)), to: &content)
        default:
            Self.apply(operation, to: &content)
        }
    }
}
