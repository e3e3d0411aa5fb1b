import Glibc

/// A thread that runs one closure.
public enum WorkThread {
    private final class Work {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Starts work that may block. Tests of the whole program run it in place.
    public typealias Start = @Sendable (@escaping @Sendable () -> Void) -> Void

    /// Stack size in bytes: parsers recurse as deep as their input allows.
    public static let stackBytes = 2 << 20

    /// Starts a detached thread. `givesWay` lowers its priority, for work that the event loop rarely waits for.
    public static func start(givesWay: Bool = false, _ body: @escaping @Sendable () -> Void) {
        if givesWay {
            return start {
                ThreadPriority.giveWay()
                body()
            }
        }
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, stackBytes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        defer { pthread_attr_destroy(&attributes) }
        var thread = pthread_t()
        let context = Unmanaged.passRetained(Work(body)).toOpaque()
        let status = pthread_create(
            &thread, &attributes,
            { context in
                Unmanaged<Work>.fromOpaque(context!).takeRetainedValue().body()
                return nil
            }, context)
        precondition(status == 0, "pthread_create failed with \(status)")
    }
}
