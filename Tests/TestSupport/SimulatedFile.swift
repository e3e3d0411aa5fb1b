import Basics
import SegmentStore

/// A descriptor of the simulated machine. It becomes invalid with its process.
final class SimulatedFile: StoreFile {
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
            // A descriptor of a process that has ended.
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
            try state.checkFault(.read, path)
            let content = state.inodes[inode]!.current
            guard offset < content.count else { return 0 }
            let count = min(buffer.count, content.count - offset)
            content.withUnsafeBytes { source in
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[offset..<offset + count]))
            }
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
        try alive { state throws(RetortError) in try state.sync(inode, path) }
    }

    func map() throws(RetortError) -> MappedBytes {
        try alive { state throws(RetortError) in
            try state.checkFault(.read, path)
            return MappedBytes(copying: state.inodes[inode]!.current)
        }
    }
}

final class SimulatedLock: FileLock {
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
