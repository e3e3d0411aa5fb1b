/// The data that the monitor shows, and the changes that it can make. Called on the monitor's threads.
public protocol MonitorSource: Sendable {
    /// Everything the page draws: one JSON object on one line.
    func pageState() -> [UInt8]
    /// Served from memory.
    func metrics() -> Exposition
    /// Carries out a command of the page, one JSON object; nil if nothing can be changed.
    var control: (@Sendable ([UInt8]) -> ControlReply)? { get }
}

/// The result of a command.
public struct ControlReply: Sendable {
    public var isDone: Bool
    /// One JSON object on one line.
    public var json: [UInt8]

    public init(isDone: Bool, json: [UInt8]) {
        self.isDone = isDone
        self.json = json
    }
}
