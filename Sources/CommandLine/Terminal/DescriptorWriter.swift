public import Basics
internal import Glibc

/// Writes whole buffers to a file descriptor.
struct DescriptorWriter: Sendable {
    let descriptor: Int32
    /// The stream's name in errors.
    let name: String

    /// Writes all of `bytes`; continues after signals and short writes, and waits if the descriptor is non-blocking.
    ///
    /// - Throws: `RetortError.brokenPipe` if the reader has gone, else the system's error.
    func write(_ bytes: borrowing RawSpan) throws(RetortError) {
        var done = 0
        while done < bytes.byteCount {
            let (count, number) = bytes.withUnsafeBytes { buffer in
                let count = Glibc.write(descriptor, buffer.baseAddress! + done, buffer.count - done)
                return (count, errno)
            }
            if count >= 0 {
                done += count
            } else if number == EAGAIN {
                waitUntilWritable()
            } else if number == EPIPE {
                throw .brokenPipe
            } else if number != EINTR {
                throw RetortError.system(number, "write", name)
            }
        }
    }

    private func waitUntilWritable() {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&entry, 1, -1)
    }
}

extension RetortError {
    /// The reader of the output has gone, as with `head`. `ExitCode` maps it to 0, and it is not reported.
    public static let brokenPipe = RetortError(.io, "the reader of the output has gone")

    /// Whether this is `brokenPipe`.
    public var isBrokenPipe: Bool { self == .brokenPipe }
}
