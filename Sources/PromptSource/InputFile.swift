public import Basics
internal import Glibc

/// One input and what was known of it before it was read.
public struct InputFile: Sendable, Hashable {
    /// Where its bytes come from.
    public enum Kind: Sendable, Hashable {
        /// A regular file: it can be read again from any offset.
        case regular
        /// A FIFO or a device: its bytes can be read only once.
        case stream
        /// The process's standard input, read as a stream.
        case standardInput
        /// A store directory; the caller reads its rows.
        case store
        /// Not a file: a matrix generates the rows.
        case made
    }

    /// The path as the user gave it; `-` for standard input.
    public let path: String
    public let kind: Kind
    public let format: InputFormat
    /// Size in bytes as stored (compressed for gzip files); 0 for streams.
    public let size: UInt64
    /// Time of last modification, nanoseconds since 1970; 0 for streams.
    public let modified: Int64
    /// A hash of the first and last `InputIdentity.edgeBytes` bytes; zero for streams.
    public let edges: Hash128
    /// The generator of the rows, if the input is not a file.
    let matrix: Matrix?

    /// The name used in messages.
    public var displayName: String { kind == .standardInput ? "standard input" : path }

    static func standardInput(_ format: InputFormat?) -> InputFile {
        InputFile(
            path: "-", kind: .standardInput, format: format ?? .jsonLines, size: 0, modified: 0,
            edges: Hash128(high: 0, low: 0))
    }

    /// A store directory. `identity` identifies the content: a store with other rows has another one.
    public static func store(_ path: String, identity: Hash128) -> InputFile {
        InputFile(path: path, kind: .store, format: .jsonLines, size: 0, modified: 0, edges: identity)
    }

    static func made(_ matrix: Matrix, name: String) -> InputFile {
        InputFile(
            path: name, kind: .made, format: .jsonLines, size: matrix.positions, modified: 0, edges: matrix.identity,
            matrix: matrix)
    }

    /// Whether it can be read again.
    public var isRepeatable: Bool { kind == .regular || kind == .store || kind == .made }

    /// Inspects the file, reading only its edges. Throws `.inputMissing` when it does not exist or is not readable,
    /// `.badInput` when it certainly has an unsupported format.
    init(path: String, format: InputFormat?) throws(RetortError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw InputFile.unreadable(errno, "stat", path) }
        self.path = path
        self.format = format ?? InputFormat(path: path) ?? .jsonLines
        matrix = nil
        guard status.st_mode & S_IFMT == S_IFREG else {
            // Opening a FIFO would wait for its writer.
            guard access(path, R_OK) == 0 else { throw InputFile.unreadable(errno, "access", path) }
            (kind, size, modified, edges) = (.stream, 0, 0, Hash128(high: 0, low: 0))
            return
        }
        kind = .regular
        size = UInt64(status.st_size)
        modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
        edges = try InputFile.edges(path: path, size: Int(status.st_size))
    }

    private init(
        path: String, kind: Kind, format: InputFormat, size: UInt64, modified: Int64, edges: Hash128,
        matrix: Matrix? = nil
    ) {
        self.matrix = matrix
        self.path = path
        self.kind = kind
        self.format = format
        self.size = size
        self.modified = modified
        self.edges = edges
    }

    private static func edges(path: String, size: Int) throws(RetortError) -> Hash128 {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(errno, "open", path) }
        defer { close(descriptor) }
        let count = min(size, InputIdentity.edgeBytes)
        let first = try piece(descriptor, at: 0, count: count, path: path)
        try ForeignFormat.check(first.prefix(ForeignFormat.headBytes), path: path)
        let last = try piece(descriptor, at: size - count, count: count, path: path)
        let seed = first.withUnsafeBytes { ContentHash.hash64($0) }
        return last.withUnsafeBytes { ContentHash.hash128($0, seed: seed) }
    }

    private static func piece(
        _ descriptor: Int32, at offset: Int, count: Int, path: String
    ) throws(RetortError) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: max(count, 1)) { buffer, initialized in
            while initialized < count {
                let got = pread(
                    descriptor, buffer.baseAddress! + initialized, count - initialized, offset + initialized)
                if got > 0 {
                    initialized += got
                } else if got == 0 {
                    break
                } else if errno != EINTR {
                    failure = errno
                    break
                }
            }
        }
        if failure != 0 { throw unreadable(failure, "read", path) }
        return bytes
    }

    static func unreadable(_ number: Int32, _ operation: String, _ path: String) -> RetortError {
        var error = RetortError.system(number, operation, path)
        error.code = .inputMissing
        error.message = number == ENOENT ? "no such input file" : "the input cannot be read"
        if number == ENOENT { error.cause = nil }
        error.remedy =
            number == ENOENT
            ? "Check the spelling and the working directory; a pattern such as 'data/*.jsonl' is possible too."
            : "Check the owner and the mode of the file and of its directories."
        return error
    }
}
