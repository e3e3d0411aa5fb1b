public import Basics

/// How the process that runs is doing itself.
public struct RunHealth: Sendable, Hashable {
    /// Requests that came back a second, of late.
    public var requestRate: Double
    /// Of one core, of late: 1.5 is one and a half.
    public var cpuShare: Double
    public var residentBytes: Int
    /// The longest that a timer has been late so far: what else kept the loop busy.
    public var loopLag: Interval

    public init(requestRate: Double, cpuShare: Double, residentBytes: Int, loopLag: Interval) {
        self.requestRate = requestRate
        self.cpuShare = cpuShare
        self.residentBytes = residentBytes
        self.loopLag = loopLag
    }
}
