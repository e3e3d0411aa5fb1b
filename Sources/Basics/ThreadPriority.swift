internal import Glibc

/// Lowers the priority of a thread relative to the others of this process.
public enum ThreadPriority {
    /// Added to the nice value. A thread at this value that competes for a core with a normal one gets 1/29 of it
    /// (weights 36 and 1024 in the kernel's sched_prio_to_weight): slow, but never starved.
    public static let givingWay: Int32 = 15

    /// Lowers the calling thread's priority permanently. On Linux a nice value belongs to a thread (setpriority(2)).
    public static func giveWay() {
        let thread = id_t(0)
        errno = 0
        let present = getpriority(__priority_which_t(PRIO_PROCESS.rawValue), thread)
        guard errno == 0 else { return }
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), thread, min(present + givingWay, 19))
    }
}
