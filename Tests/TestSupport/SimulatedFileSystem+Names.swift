import Basics
import Glibc
import SegmentStore

/// The name space: paths as the kernel shows them, and what of it is on the disk.
extension SimulatedFileSystem.State {
    func isDirectory(_ path: String) -> Bool { current[path].map(directories.contains) ?? false }

    private mutating func makeNumber() -> Int {
        defer { nextInode += 1 }
        return nextInode
    }

    mutating func makeInode() -> Int {
        let number = makeNumber()
        inodes[number] = Inode()
        return number
    }

    mutating func open(_ path: String, _ mode: FileMode) throws(RetortError) -> Int {
        try checkAlive(path)
        try checkFault(.open, path)
        if let existing = current[path] {
            switch mode {
            case .read, .readNamed, .readWrite: return existing
            case .createNew: throw RetortError.system(EEXIST, "open", path)
            case .createEmpty: try remove(path)
            }
        }
        guard mode == .createNew || mode == .createEmpty, isDirectory(path.directory) else {
            throw RetortError.system(ENOENT, "open", path)
        }
        try begin(.create, path)
        let inode = makeInode()
        link([(path, inode)], in: path.directory)
        try finish(path)
        return inode
    }

    mutating func createDirectory(_ path: String) throws(RetortError) {
        try checkAlive(path)
        if isDirectory(path) { return }
        try createDirectory(path.directory)
        try begin(.create, path)
        let number = makeNumber()
        directories.insert(number)
        link([(path, number)], in: path.directory)
        try finish(path)
        try syncDirectory(path.directory)
    }

    mutating func rename(_ source: String, to target: String) throws(RetortError) {
        try begin(.rename, source)
        guard let number = current[source] else { throw RetortError.system(ENOENT, "rename", source) }
        link([(source, nil), (target, number)], in: target.directory)
        if directories.contains(number) {
            for (path, inode) in current where path.hasPrefix(source + "/") {
                current[path] = nil
                current[target + path.dropFirst(source.count)] = inode
            }
        }
        try finish(source)
    }

    mutating func remove(_ path: String) throws(RetortError) {
        guard current[path] != nil else { return }
        try begin(.remove, path)
        link([(path, nil)], in: path.directory)
        try finish(path)
    }

    mutating func syncDirectory(_ path: String) throws(RetortError) {
        try begin(.syncDirectory, path)
        let number = current[path]
        for change in changes where change.directory == number { makeDurable(change) }
        changes.removeAll { $0.directory == number }
        try finish(path)
    }

    /// Changes where paths lead. Until the directory is synced, only the kernel knows.
    private mutating func link(_ effects: [(path: String, inode: Int?)], in directory: String) {
        var change = EntryChange(directory: current[directory]!, effects: [])
        for (path, inode) in effects {
            change.effects.append((current[path.directory]!, path.name, inode))
            current[path] = inode
        }
        changes.append(change)
    }

    mutating func makeDurable(_ change: EntryChange) {
        for effect in change.effects { durable[effect.directory, default: [:]][effect.name] = effect.inode }
    }

    /// Changes a file from outside, durably.
    mutating func overwrite(_ path: String, with bytes: [UInt8]?) {
        if let bytes {
            makeDirectories(path.directory)
            let number = current[path] ?? makeInode()
            inodes[number] = Inode(current: bytes, durable: bytes)
            current[path] = number
            durable[current[path.directory]!, default: [:]][path.name] = number
        } else {
            current[path] = nil
            if let directory = current[path.directory] { durable[directory]?[path.name] = nil }
        }
    }

    private mutating func makeDirectories(_ path: String) {
        if isDirectory(path) { return }
        makeDirectories(path.directory)
        let number = makeNumber()
        directories.insert(number)
        current[path] = number
        durable[current[path.directory]!, default: [:]][path.name] = number
    }
}
