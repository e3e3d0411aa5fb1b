import Basics
import CMicroHTTPD
import Glibc

/// A descriptor that becomes readable when the next timer is due. The timeouts of `poll` and its kin will not do: the
/// kernel may stretch each by a thousandth (select_estimate_accuracy in fs/select.c), half a millisecond in half a
/// second. One thread uses it.
struct Alarm: ~Copyable {
    let descriptor: Int32
    private var deadline: Instant?

    init?() {
        descriptor = retort_timer_create()
        if descriptor < 0 { return nil }
    }

    deinit { close(descriptor) }

    /// Makes it go off at `next`, or some time before: a deadline that moves away is not worth a system call.
    mutating func set(_ next: Instant?) {
        guard let next, deadline.map({ next < $0 }) ?? true else { return }
        deadline = next
        // Zero would disarm it.
        _ = retort_timer_set(descriptor, max(1, next.nanoseconds))
    }

    /// It has gone off: not readable until it is set again.
    mutating func acknowledge() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
        deadline = nil
    }
}
