internal import Basics
internal import Glibc
internal import JSONText

/// Records the money that each client may spend. A file of JSON lines, append-only; a client's last line counts. Held
/// by one limiter at a time.
final class MoneyJournal {
    private let path: String
    private var descriptor: Int32
    /// The current limits.
    private(set) var money: [String: Int]
    private var bytes = 0
    /// File size in bytes from which it is compacted to one line per client.
    private var bytesLimit: Int
    private let bytesLimitLeast: Int
    /// Whether another limiter has written it before.
    let isRestart: Bool

    static let bytesMax = 256 << 20
    static let bytesBeforeCompaction = 4 << 20
    /// Maximum attempts while others replace the path as it is opened.
    private static let opensMax = 5
    private static let heading = #"{"format":"retort limit","version":2}"#
    /// Lines of version 1 had no sums.
    private static let versions = 1...2

    /// Throws `.busy` if another limiter holds it, `.damagedData` if a line other than the last cannot be read.
    init(_ path: String, compactedFrom bytesLimit: Int = bytesBeforeCompaction) throws(RetortError) {
        (self.bytesLimit, bytesLimitLeast) = (bytesLimit, bytesLimit)
        self.path = path
        (descriptor, (money, isRestart, bytes)) = try Self.acquire(path)
    }

    private typealias Found = (money: [String: Int], isRestart: Bool, bytes: Int)

    private static func acquire(_ path: String) throws(RetortError) -> (Int32, Found) {
        for _ in 0..<opensMax {
            let isThere = access(path, F_OK) == 0
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
            guard descriptor >= 0 else { throw .system(errno, "open", path) }
            do throws(RetortError) {
                var found = try takeOver(descriptor, path)
                // A file that was truncated may have had a limiter that granted something a moment ago.
                found.isRestart = isThere
                if isAt(path, descriptor) { return (descriptor, found) }
            } catch {
                close(descriptor)
                throw error
            }
            close(descriptor)
        }
        throw RetortError(.busy, "another limiter keeps its state there", at: path)
    }

    /// Whether the open file is still the one at `path`: a limiter that has ended may have replaced it.
    private static func isAt(_ path: String, _ descriptor: Int32) -> Bool {
        var (own, other) = (stat(), stat())
        return fstat(descriptor, &own) == 0 && lstat(path, &other) == 0 && own.st_ino == other.st_ino
            && own.st_dev == other.st_dev
    }

    /// Locks the file, reads it, and truncates it to whole lines.
    private static func takeOver(
        _ descriptor: Int32, _ path: String
    ) throws(RetortError) -> Found {
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw RetortError(
                .busy, "another limiter keeps its state there", at: path, remedy: "Stop it, or name another --state.")
        }
        var bytes = try read(descriptor, path)
        try completeRest(&bytes, descriptor, path)
        let whole = bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        let money = try parse(bytes[..<whole], path)
        // A line truncated by a kill was not promised to any client.
        guard ftruncate(descriptor, off_t(whole)) == 0, lseek(descriptor, 0, SEEK_END) >= 0 else {
            throw .system(errno, "ftruncate", path)
        }
        guard whole == 0 else { return (money, true, whole) }
        let first = Array(heading.utf8) + [0x0A]
        try write(first, descriptor, path)
        return (money, !bytes.isEmpty, first.count)
    }

    deinit { close(descriptor) }

    /// When it returns, the limit is on disk.
    func note(_ client: String, limit: Int) throws(RetortError) {
        let line = Self.line(client, limit)
        do throws(RetortError) {
            try Self.write(line, descriptor, path)
            guard fdatasync(descriptor) == 0 else { throw .system(errno, "fdatasync", path) }
        } catch {
            // The next line must not follow a partial one.
            guard error.code == .noSpace, ftruncate(descriptor, off_t(bytes)) == 0,
                lseek(descriptor, off_t(bytes), SEEK_SET) == off_t(bytes)
            else { throw error.code == .noSpace ? RetortError(.io, "the state cannot be written", at: path) : error }
            throw error
        }
        money[client] = limit
        bytes += line.count
        if bytes >= bytesLimit { compact() }
    }

    /// Rewrites the file with one line per client and replaces the old one. If that fails, the old file stays in use.
    private func compact() {
        let next = path + ".next"
        var lines = Array(Self.heading.utf8) + [0x0A]
        for (client, limit) in money { lines += Self.line(client, limit) }
        bytesLimit = max(bytes, lines.count) * 2
        unlink(next)
        let descriptor = open(next, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, (try? Self.write(lines, descriptor, next)) != nil,
            fdatasync(descriptor) == 0, rename(next, path) == 0
        else {
            close(descriptor)
            unlink(next)
            return
        }
        // A power cut must not undo the replacement, since further lines go into the new file.
        let directory = open(Self.directory(of: path), O_RDONLY | O_CLOEXEC)
        if directory >= 0 {
            fsync(directory)
            close(directory)
        }
        close(self.descriptor)
        (self.descriptor, bytes) = (descriptor, lines.count)
        bytesLimit = max(bytesLimitLeast, lines.count * 2)
    }

    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func line(_ client: String, _ limit: Int) -> [UInt8] {
        var line = WireObject()
        line.text("client", client)
        line.number("limit", limit)
        line.text("sum", sum(client, limit))
        return line.finished
    }

    private static func sum(_ client: String, _ limit: Int) -> String {
        Hexadecimal.string(Array("\(limit) \(client)".utf8).withUnsafeBytes { ContentHash.hash64($0) })
    }

    /// Completes a last line that lacks only its line feed: it may have been promised. Throws `.damagedData` if
    /// something else is in that place. A truncated line stays as it is.
    private static func completeRest(
        _ bytes: inout [UInt8], _ descriptor: Int32, _ path: String
    ) throws(RetortError) {
        let rest = bytes[(bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0)...]
        guard let end = rest.lastIndex(of: UInt8(ascii: "}")),
            let root = try? JSONParser().parse(Array(rest[...end])).root, root["sum"] != nil || root["format"] != nil
        else { return }
        guard end == rest.endIndex - 1 else { throw damage(path, 0) }
        guard lseek(descriptor, 0, SEEK_END) >= 0 else { throw .system(errno, "lseek", path) }
        try write([0x0A], descriptor, path)
        bytes.append(0x0A)
    }

    private static func damage(_ path: String, _ line: Int) -> RetortError {
        RetortError(
            .damagedData, "not a limiter's state, or a damaged one", at: line > 0 ? "\(path):\(line)" : path,
            remedy: "Restore it from a copy. A new one knows no money that was given: allow only what is left then."
        )
    }

    private static func parse(_ bytes: ArraySlice<UInt8>, _ path: String) throws(RetortError) -> [String: Int] {
        var money: [String: Int] = [:]
        var version = 1
        let parser = JSONParser()
        for (number, line) in bytes.split(separator: 0x0A).enumerated() {
            let root = try? parser.parse(Array(line)).root
            if number == 0, root?["format"]?.string == "retort limit", let stated = root?["version"]?.int,
                versions.contains(stated)
            {
                version = stated
                continue
            }
            guard number > 0, let client = root?["client"]?.string, let limit = root?["limit"]?.int,
                (0...LeaseRequest.moneyMax).contains(limit),
                root?["sum"]?.string.map({ $0 == sum(client, limit) }) ?? (version == 1)
            else { throw damage(path, number + 1) }
            money[client] = limit
        }
        return money
    }

    private static func read(_ descriptor: Int32, _ path: String) throws(RetortError) -> [UInt8] {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system(errno, "fstat", path) }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= bytesMax else {
            throw RetortError(.io, "not a file that a limiter can keep its state in", at: path)
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress! + done, $0.count - done, off_t(done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .system(errno, "read", path) }
            done += count
        }
        return bytes
    }

    private static func write(_ bytes: [UInt8], _ descriptor: Int32, _ path: String) throws(RetortError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + done, $0.count - done) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .system(errno, "write", path) }
            done += count
        }
    }
}
