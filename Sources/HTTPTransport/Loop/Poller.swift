internal import Basics
internal import CEpoll
internal import Glibc

/// What a descriptor is watched for, or is ready for.
struct Readiness: OptionSet {
    var rawValue: UInt32

    static let readable = Readiness(rawValue: UInt32(RETORT_EPOLL_IN))
    static let writable = Readiness(rawValue: UInt32(RETORT_EPOLL_OUT))
    /// An error or a hang-up: always reported.
    static let broken = Readiness(rawValue: UInt32(RETORT_EPOLL_BROKEN))
}

/// Called when one of its descriptors is ready.
protocol ReadinessHandler: AnyObject {
    func descriptorReady(_ descriptor: Int32, _ readiness: Readiness)
}

/// epoll, level-triggered, with the fewest system calls: a descriptor that is not watched for a moment stays in the
/// kernel's set until it becomes ready, because a kept-alive connection will be used again soon.
struct Poller: ~Copyable {
    /// Events taken from the kernel at a time.
    private static let eventsMax = 512

    private struct Watch {
        unowned(unsafe) var handler: (any ReadinessHandler)?
        var wanted: Readiness = []
        var registered: Readiness = []
    }

    private let epoll: Int32
    /// An eventfd, which makes `wait` return.
    let alarm: Int32
    /// Indexed by descriptor: the kernel assigns the lowest free number, so the array stays dense.
    private var watches: [Watch] = []
    private let events: UnsafeMutableBufferPointer<epoll_event>
    /// Whether the kernel knows `epoll_pwait2`, whose timeouts are finer than a millisecond.
    var hasFineTimeouts = true

    static func open() throws(RetortError) -> Poller {
        let epoll = retort_epoll_create()
        guard epoll >= 0 else { throw .system(errno, "epoll_create1", "event loop") }
        let alarm = retort_eventfd_create()
        guard alarm >= 0 else {
            let number = errno
            close(epoll)
            throw .system(number, "eventfd", "event loop")
        }
        return Poller(epoll: epoll, alarm: alarm)
    }

    private init(epoll: Int32, alarm: Int32) {
        self.epoll = epoll
        self.alarm = alarm
        events = .allocate(capacity: Poller.eventsMax)
        events.initialize(repeating: epoll_event())
        control(EPOLL_CTL_ADD, alarm, .readable)
    }

    deinit {
        close(alarm)
        close(epoll)
        events.deallocate()
    }

    /// Makes the current or next `wait` return. Static, because other threads must not touch the poller.
    static func ring(_ alarm: Int32) {
        var one: UInt64 = 1
        // The only possible failure is a full counter: then the alarm is already set.
        _ = write(alarm, &one, MemoryLayout<UInt64>.size)
    }

    /// The handler is not retained: it must `forget` its descriptors before it is released.
    mutating func watch(_ descriptor: Int32, for readiness: Readiness, handler: any ReadinessHandler) {
        let index = Int(descriptor)
        while watches.count <= index { watches.append(Watch()) }
        let registered = watches[index].registered
        watches[index] = Watch(handler: handler, wanted: readiness, registered: readiness)
        if registered != readiness {
            control(registered.isEmpty ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, descriptor, readiness)
        }
    }

    mutating func unwatch(_ descriptor: Int32) {
        guard Int(descriptor) < watches.count else { return }
        watches[Int(descriptor)].wanted = []
    }

    /// Must be called before the descriptor is closed.
    mutating func forget(_ descriptor: Int32) {
        guard Int(descriptor) < watches.count else { return }
        if !watches[Int(descriptor)].registered.isEmpty { control(EPOLL_CTL_DEL, descriptor, []) }
        watches[Int(descriptor)] = Watch()
    }

    /// Sleeps until a descriptor is ready, the alarm rings or `timeout` has passed (nil: no timeout). Returns the
    /// number of events to take with `take`.
    mutating func wait(_ timeout: Interval?) -> Int {
        let count = hasFineTimeouts ? waitFinely(timeout) : waitCoarsely(timeout)
        if count >= 0 { return Int(count) }
        // Linux before 5.11, and emulators of it.
        if errno == ENOSYS && hasFineTimeouts {
            hasFineTimeouts = false
            return wait(timeout)
        }
        precondition(errno == EINTR, "waiting for events failed with \(errno)")
        return 0
    }

    private func waitFinely(_ timeout: Interval?) -> Int32 {
        guard let timeout else { return epoll_pwait2(epoll, events.baseAddress, Int32(events.count), nil, nil) }
        var time = timespec(
            tv_sec: Int(timeout.nanoseconds / 1_000_000_000), tv_nsec: Int(timeout.nanoseconds % 1_000_000_000))
        return epoll_pwait2(epoll, events.baseAddress, Int32(events.count), &time, nil)
    }

    /// In whole milliseconds, rounded up: a loop that wakes too early would spin until the time has come.
    private func waitCoarsely(_ timeout: Interval?) -> Int32 {
        let milliseconds = timeout.map { Int32(clamping: ($0.nanoseconds + 999_999) / 1_000_000) } ?? -1
        return epoll_wait(epoll, events.baseAddress, Int32(events.count), milliseconds)
    }

    /// The handler of event `index` and what its descriptor is ready for; nil if it is no longer watched.
    mutating func take(_ index: Int) -> (handler: any ReadinessHandler, descriptor: Int32, readiness: Readiness)? {
        let descriptor = events[index].data.fd
        if descriptor == alarm {
            var count: UInt64 = 0
            _ = read(alarm, &count, MemoryLayout<UInt64>.size)
            return nil
        }
        let watch = watches[Int(descriptor)]
        if let handler = watch.handler, !watch.wanted.isEmpty {
            return (handler, descriptor, Readiness(rawValue: events[index].events))
        }
        if !watch.registered.isEmpty {
            control(EPOLL_CTL_DEL, descriptor, [])
            watches[Int(descriptor)].registered = []
        }
        return nil
    }

    private func control(_ operation: Int32, _ descriptor: Int32, _ readiness: Readiness) {
        var event = epoll_event()
        event.events = readiness.rawValue
        event.data.fd = descriptor
        let status = epoll_ctl(epoll, operation, descriptor, &event)
        precondition(status == 0 || operation == EPOLL_CTL_DEL, "epoll_ctl(\(operation)) failed with \(errno)")
    }
}
