import Basics
import CMicroHTTPD
import Glibc

/// A descriptor that becomes readable when the next timer is due. The timeouts of `poll` and `epoll_wait` are too
/// coarse: the kernel may extend each by a thousandth (select_estimate_accuracy in fs/select.c), which is half a
/// millisecond in half a second. One thread uses it.
struct Alarm: ~Copyable {
    let descriptor: Int32
    private var deadline: Instant?

    init?() {
        descriptor = retort_timer_create()
        if descriptor < 0 { return nil }
    }

    deinit { close(descriptor) }

    /// Sets the alarm to fire at `next` or somewhat earlier: postponing it is not worth a system call.
    mutating func set(_ next: Instant?) {
        guard let next, deadline.map({ next < $0 }) ?? true else { return }
        deadline = next
        // Zero would disarm it.
        _ = retort_timer_set(descriptor, max(1, next.nanoseconds))
    }

    /// Resets it after it has fired: the descriptor is not readable until the alarm is set again.
    mutating func acknowledge() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
        deadline = nil
    }
}
