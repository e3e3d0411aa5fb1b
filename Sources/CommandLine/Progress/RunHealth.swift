public import Basics

/// The state of the running process.
public struct RunHealth: Sendable, Hashable {
    /// Recent requests returned per second.
    public var requestRate: Double
    /// Recent share of one core: 1.5 is one and a half.
    public var cpuShare: Double
    public var residentBytes: Int
    /// The maximum delay of a timer so far, because other work kept the loop busy.
    public var loopLag: Interval

    public init(requestRate: Double, cpuShare: Double, residentBytes: Int, loopLag: Interval) {
        self.requestRate = requestRate
        self.cpuShare = cpuShare
        self.residentBytes = residentBytes
        self.loopLag = loopLag
    }
}
