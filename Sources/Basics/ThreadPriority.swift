internal import Glibc

/// How eagerly the kernel runs a thread of this process beside its others.
public enum ThreadPriority {
    /// What is added to the nice value. A thread that competes for a core with one that does not give way gets a
    /// twenty-ninth of it (1024 to 36: the kernel's sched_prio_to_weight), so it is slow then and never starved.
    public static let givingWay: Int32 = 15

    /// Makes the calling thread give way to the others, for good. On Linux a nice value belongs to a thread
    /// (setpriority(2)).
    public static func giveWay() {
        let thread = id_t(0)
        errno = 0
        let present = getpriority(__priority_which_t(PRIO_PROCESS.rawValue), thread)
        guard errno == 0 else { return }
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), thread, min(present + givingWay, 19))
    }
}
