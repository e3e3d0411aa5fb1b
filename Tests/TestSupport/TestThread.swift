import Basics
import Glibc

/// A system thread, for tests of concurrency. The cooperative pool would starve on blocking calls.
public final class TestThread: Sendable {
    private let handle: Locked<pthread_t>

    public init(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(Body(body)).toOpaque()
        let status = pthread_create(
            &thread, nil,
            { context in
                Unmanaged<Body>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            }, context)
        precondition(status == 0, "pthread_create failed with \(status)")
        handle = Locked(thread)
    }

    public func join() { pthread_join(handle.withLock { $0 }, nil) }

    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
}
