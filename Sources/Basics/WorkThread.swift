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
        let status = create(givesWay: givesWay, body)
        precondition(status == 0, "pthread_create failed with \(status)")
    }

    /// The same for work that can do without: false if the system has no thread left.
    public static func startIfPossible(givesWay: Bool = false, _ body: @escaping @Sendable () -> Void) -> Bool {
        create(givesWay: givesWay, body) == 0
    }

    /// Returns the status of `pthread_create`.
    private static func create(givesWay: Bool, _ body: @escaping @Sendable () -> Void) -> Int32 {
        if givesWay {
            return create(givesWay: false) {
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
        let work = Unmanaged.passRetained(Work(body))
        let status = pthread_create(
            &thread, &attributes,
            { context in
                Unmanaged<Work>.fromOpaque(context!).takeRetainedValue().body()
                return nil
            }, work.toOpaque())
        if status != 0 { work.release() }
        return status
    }
}
