import Glibc

/// A point in time of a monotonic clock, in nanoseconds. State machines take it as an argument and never read a clock.
public struct Instant: Sendable, Hashable, Comparable {
    public var nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The system's monotonic clock, now.
    public static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }

    public static func + (instant: Instant, interval: Interval) -> Instant {
        Instant(nanoseconds: instant.nanoseconds &+ interval.nanoseconds)
    }

    public static func - (a: Instant, b: Instant) -> Interval {
        Interval(nanoseconds: a.nanoseconds &- b.nanoseconds)
    }
}

/// A length of time in nanoseconds; plain arithmetic, cheaper than `Duration`.
public struct Interval: Sendable, Hashable, Comparable {
    public var nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    public static let zero = Interval(nanoseconds: 0)
    /// A longer time than `longest` is `longest`.
    public static func milliseconds(_ count: Int64) -> Interval {
        let limit = longest.nanoseconds / 1_000_000
        return Interval(nanoseconds: min(max(count, -limit), limit) * 1_000_000)
    }
    /// NaN is 0; a longer time than `longest` is `longest`.
    public static func seconds(_ count: Double) -> Interval { Interval(roundingNanoseconds: count * 1e9) }

    /// 26,000 days: an instant of this machine and two such intervals add up without an overflow.
    public static let longest = Interval(nanoseconds: 26_000 * 86_400_000_000_000)

    private init(roundingNanoseconds count: Double) {
        let limit = Double(Self.longest.nanoseconds)
        nanoseconds = count.isNaN ? 0 : Int64(min(max(count, -limit), limit).rounded())
    }

    public var seconds: Double { Double(nanoseconds) / 1e9 }
    public var milliseconds: Int64 { nanoseconds / 1_000_000 }

    public static func < (a: Interval, b: Interval) -> Bool { a.nanoseconds < b.nanoseconds }
    public static func + (a: Interval, b: Interval) -> Interval {
        Interval(nanoseconds: a.nanoseconds &+ b.nanoseconds)
    }
    public static func - (a: Interval, b: Interval) -> Interval {
        Interval(nanoseconds: a.nanoseconds &- b.nanoseconds)
    }
    public static func * (a: Interval, factor: Double) -> Interval {
        Interval(roundingNanoseconds: Double(a.nanoseconds) * factor)
    }
}

/// Seconds since 1970 on the system's wall clock. For labels only: nothing is ordered by it.
public func wallClockSeconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec)
}

/// Seconds since 1970 with fractions, for deadlines that people set.
public func wallClock() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
