internal import Glibc

/// The machine's processors.
public enum ProcessorCount {
    /// The processors that are online now, at least 1.
    public static var now: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}
