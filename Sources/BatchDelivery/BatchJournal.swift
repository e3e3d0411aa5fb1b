public import Basics
internal import Glibc
internal import JSONText

/// `batches/journal.jsonl` of a store: the steps taken for each batch, appended and synced before the next step. An
/// incomplete last line is ignored.
public final class BatchJournal {
    public let directory: String
    /// All batches, in the order of planning.
    public private(set) var batches: [BatchStanding]
    /// The value in the last entry; nil if there is no entry.
    public private(set) var uncertain: Int?
    private var descriptor: Int32 = -1
    private var bytes: Int

    public static let directoryName = "batches"
    private static let name = "journal.jsonl"
    /// Maximum bytes. Ten thousand batches need a few megabytes, so a longer journal was not written by this program.
    private static let bytesMax = 1 << 30

    public var open: [BatchStanding] { batches.filter(\.isOpen) }

    /// Reads the journal of a store; a missing one is empty. Nothing is written before `append`. Throws `.damagedData`
    /// for invalid lines, except an incomplete last one.
    public init(of store: String) throws(RetortError) {
        directory = "\(store)/\(Self.directoryName)"
        batches = []
        bytes = 0
        let path = directory + "/" + Self.name
        guard let text = try Self.read(path) else { return }
        try fold(text, path)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    private static func read(_ path: String) throws(RetortError) -> [UInt8]? {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        if file < 0, errno == ENOENT || errno == ENOTDIR { return nil }
        var state = stat()
        guard file >= 0, fstat(file, &state) == 0 else { throw .system(errno, "open", path) }
        defer { close(file) }
        guard state.st_mode & S_IFMT == S_IFREG, state.st_size <= bytesMax else {
            throw RetortError(.damagedData, "the journal of batches is not a file of this store", at: path)
        }
        var text = [UInt8](repeating: 0, count: state.st_size)
        var filled = 0
        while filled < text.count {
            let count = text.withUnsafeMutableBytes {
                Glibc.read(file, $0.baseAddress! + filled, $0.count - filled)
            }
            guard count >= 0 else { throw .system(errno, "read", path) }
            if count == 0 { break }
            filled += count
        }
        return Array(text.prefix(filled))
    }

    private func fold(_ text: [UInt8], _ path: String) throws(RetortError) {
        let parser = JSONParser()
        var start = 0
        var line = 0
        while let end = text[start...].firstIndex(of: 0x0A) {
            line += 1
            let bytes = text[start..<end]
            guard BatchEntry.isWhole(bytes), let root = try? parser.parse(bytes).root, let entry = BatchEntry(root),
                take(entry)
            else {
                // After a power cut one page of a torn line may be present and another one zeros. Synced lines contain
                // no zeros; dropping a synced line would lose a step.
                if end + 1 == text.count, bytes.contains(0) { break }
                throw RetortError(
                    .damagedData, "the line is not an entry of the journal of batches", at: "\(path):\(line)",
                    remedy: "Put the file back as it was: without it batches in progress would be paid again.")
            }
            start = end + 1
        }
        bytes = start
    }

    /// False for an entry of an unknown batch.
    private func take(_ entry: BatchEntry) -> Bool {
        if let standing = BatchStanding(entry) {
            guard entry.number == (batches.last?.number ?? 0) + 1 else { return false }
            batches.append(standing)
        } else {
            guard entry.number <= batches.count else { return false }
            batches[entry.number - 1].add(entry)
        }
        uncertain = entry.uncertain
        return true
    }

    public var nextNumber: Int { batches.count + 1 }

    /// Appends an entry; when it returns, the entry survives a power cut.
    public func append(_ entry: BatchEntry) throws(RetortError) {
        let path = directory + "/" + Self.name
        if descriptor < 0 {
            try Self.makeDirectory(directory)
            descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
            guard descriptor >= 0 else { throw .system(errno, "open", path) }
            guard ftruncate(descriptor, bytes) == 0 else { throw .system(errno, "ftruncate", path) }
            try Self.syncDirectory(directory)
        }
        let line = entry.line
        var written = 0
        while written < line.count {
            let count = line.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress! + written, line.count - written, bytes + written)
            }
            guard count > 0 else {
                let number = errno
                _ = ftruncate(descriptor, bytes)
                throw .system(number, "write", path)
            }
            written += count
        }
        guard fdatasync(descriptor) == 0 else { throw .system(errno, "fdatasync", path) }
        bytes += line.count
        precondition(take(entry), "an entry of an unknown batch")
    }

    /// Makes renames in the directory durable.
    public func syncFiles() throws(RetortError) { try Self.syncDirectory(directory) }

    /// Creates the directory, for files that precede the first entry.
    public func makeDirectory() throws(RetortError) { try Self.makeDirectory(directory) }

    static func makeDirectory(_ path: String) throws(RetortError) {
        guard mkdir(path, 0o755) != 0 else {
            let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            return try syncDirectory(parent)
        }
        guard errno == EEXIST else { throw .system(errno, "mkdir", path) }
    }

    static func syncDirectory(_ path: String) throws(RetortError) {
        let file = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { throw .system(errno, "open", path) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw .system(errno, "fsync", path) }
    }

    // MARK: The files of a batch

    private func file(_ number: Int, _ kind: String) -> String {
        let text = String(number)
        return "\(directory)/\(String(repeating: "0", count: max(0, 6 - text.count)) + text).\(kind)"
    }

    /// One line per request, with what its record needs.
    public func items(_ number: Int) -> String { file(number, "items.jsonl") }
    /// The file that is uploaded.
    public func upload(_ number: Int) -> String { file(number, "upload") }
    /// The downloaded results.
    public func results(_ number: Int) -> String { file(number, "results.jsonl") }

    /// Removes files that are not needed any more.
    public func remove(_ paths: String...) { for path in paths { unlink(path) } }
}
