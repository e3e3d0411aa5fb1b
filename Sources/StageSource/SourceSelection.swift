public import SegmentStore

/// Which outcomes of a store are rows for a run over it.
public struct SourceSelection: Sendable, Hashable {
    /// The lanes that are read, in their order.
    public var lanes: [Lane]
    /// Failures of these classes are no rows: they have nothing to send.
    public var classesLeftOut: Set<String>

    /// The answers, and nothing else.
    public static let answers = SourceSelection(lanes: [.responses])

    public init(lanes: [Lane], classesLeftOut: Set<String> = []) {
        self.lanes = lanes
        self.classesLeftOut = classesLeftOut
    }

    func takes(_ record: StoredRecord) -> Bool {
        guard let failureClass = record.head.failureClass else { return true }
        return !classesLeftOut.contains(failureClass)
    }

    /// Equal texts select the same rows.
    public var text: String {
        lanes.map(\.directoryName).joined(separator: "+") + "-" + classesLeftOut.sorted().joined(separator: ",")
    }
}
