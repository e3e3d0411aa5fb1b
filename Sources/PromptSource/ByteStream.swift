internal import Basics
internal import Glibc
internal import Gzip

/// The bytes of one input, decompressed when they are gzip. Blocking; not thread-safe.
final class ByteStream {
    private let raw: RawFile
    private let gzip: GzipReader?
    /// Decompressed bytes that `peek` returned and that have not been read yet.
    private var ahead: ArraySlice<UInt8> = []

    /// Opens the file and inspects its first bytes. Throws `.inputMissing`, `.io`, or `.badInput` for a format that is
    /// not supported.
    init(_ file: InputFile) throws(RetortError) {
        let raw = try RawFile(file)
        self.raw = raw
        let head = try raw.peek(ForeignFormat.headBytes)
        try ForeignFormat.check(head.prefix(ForeignFormat.headBytes), path: file.displayName)
        gzip =
            head.starts(with: GzipReader.magic)
            ? GzipReader(name: file.displayName) { (buffer) throws(RetortError) in try raw.read(into: buffer) } : nil
    }

    /// Fills `buffer` and returns the number of bytes written; 0 at the end. Throws `.badInput` when gzip data is
    /// truncated or damaged, after it has returned all bytes before the damage; `.io` when the system call fails.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(RetortError) -> Int {
        if !ahead.isEmpty {
            let count = min(ahead.count, buffer.count)
            buffer.copyBytes(from: ahead.prefix(count))
            ahead = ahead.dropFirst(count)
            return count
        }
        guard let gzip else { return try raw.read(into: buffer) }
        do {
            return try gzip.read(into: buffer)
        } catch {
            guard error.code == .damagedData else { throw error }
            var error = error
            error.code = .badInput
            error.remedy =
                "The whole lines before it were read; replace the file (gzip -t tests one) and run the same command again."
            throw error
        }
    }

    /// The first bytes, maximum `count`: what one read returns. The next reads return them again.
    func peek(_ count: Int) throws(RetortError) -> ArraySlice<UInt8> {
        var head = [UInt8](repeating: 0, count: count)
        let filled = try head.withUnsafeMutableBufferPointer { (buffer) throws(RetortError) in
            try read(into: UnsafeMutableRawBufferPointer(buffer))
        }
        ahead = head[..<filled]
        return ahead
    }

    /// Skips to a decompressed offset: seeks if the input can seek, else reads into `scratch`. `position` is the
    /// current offset. Throws `.badInput` when the input ends before `offset`.
    func skip(
        from position: UInt64, to offset: UInt64, using scratch: UnsafeMutableRawBufferPointer
    ) throws(RetortError) {
        if gzip == nil, try raw.seek(to: offset) {
            ahead = []
            return
        }
        var left = offset - position
        while left > 0 {
            let piece = UnsafeMutableRawBufferPointer(rebasing: scratch.prefix(Int(min(left, UInt64(scratch.count)))))
            let count = try read(into: piece)
            if count == 0 { throw raw.tooShort(for: offset) }
            left -= UInt64(count)
        }
    }
}

/// A file descriptor and the bytes that were read ahead of it.
private final class RawFile {
    private let file: InputFile
    private let descriptor: Int32
    private var ahead: ArraySlice<UInt8> = []

    init(_ file: InputFile) throws(RetortError) {
        self.file = file
        if file.kind == .standardInput {
            descriptor = STDIN_FILENO
        } else {
            descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw InputFile.unreadable(errno, "open", file.path) }
        }
    }

    deinit { if file.kind != .standardInput { close(descriptor) } }

    /// The first bytes, minimum `count` unless the input is shorter. The next reads return them again.
    func peek(_ count: Int) throws(RetortError) -> ArraySlice<UInt8> {
        var head = [UInt8](repeating: 0, count: InputSniff.headBytes)
        var filled = 0
        // A pipe may deliver its first row long before the second.
        let needed = file.kind == .regular ? count : min(count, ForeignFormat.pipedBytes)
        while filled < needed {
            let got = try head.withUnsafeMutableBufferPointer { (buffer) throws(RetortError) in
                try system(UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...]))
            }
            if got == 0 { break }
            filled += got
        }
        ahead = head[..<filled]
        return ahead
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(RetortError) -> Int {
        guard !ahead.isEmpty else { return try system(buffer) }
        let count = min(ahead.count, buffer.count)
        buffer.copyBytes(from: ahead.prefix(count))
        ahead = ahead.dropFirst(count)
        return count
    }

    /// False where the input cannot seek.
    func seek(to offset: UInt64) throws(RetortError) -> Bool {
        guard file.kind == .regular else { return false }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw RetortError.system(errno, "fstat", file.path) }
        if UInt64(status.st_size) < offset { throw tooShort(for: offset) }
        guard lseek(descriptor, off_t(offset), SEEK_SET) >= 0 else {
            throw RetortError.system(errno, "lseek", file.path)
        }
        ahead = []
        return true
    }

    func tooShort(for offset: UInt64) -> RetortError {
        RetortError(
            .badInput, "the input ends before byte \(offset), where reading should continue", at: file.displayName,
            remedy: "It has become shorter since; start again from its first row.")
    }

    private func system(_ buffer: UnsafeMutableRawBufferPointer) throws(RetortError) -> Int {
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            let number = errno
            if number != EINTR { throw RetortError.system(number, "read", file.displayName) }
        }
    }
}
