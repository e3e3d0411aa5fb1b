internal import Glibc

/// Wakes a thread that waits in `poll`.
final class Bell: Sendable {
    /// Poll this for reading.
    let descriptor: Int32
    private let rope: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        // If no descriptor is free, the thread still wakes at its intervals.
        _ = pipe(&ends)
        for end in ends where end >= 0 {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (descriptor, rope) = (ends[0], ends[1])
    }

    deinit {
        close(descriptor)
        close(rope)
    }

    /// Callable from any thread. All rings until `clear` count as one.
    func ring() {
        var byte: UInt8 = 1
        _ = write(rope, &byte, 1)
    }

    func clear() {
        var bytes = [UInt8](repeating: 0, count: 256)
        while read(descriptor, &bytes, bytes.count) == bytes.count {}
    }
}
