internal import Basics
public import ModelAPI

/// Several bulk exchanges with one server at the same time. Any thread.
public final class BulkLanes: BulkSender {
    private let lanes: [BulkTransport]
    /// The exchanges of each lane that are not over.
    private let load: Locked<[Int]>

    /// Exchanges at the same time; further ones wait.
    public static let count = 4

    init(_ lanes: [BulkTransport]) {
        self.lanes = lanes
        load = Locked(lanes.map { _ in 0 })
    }

    public func send(_ call: BulkCall) async -> Result<ModelReply, TransportFailure> {
        let lane = load.withLock { load in
            let lane = load.indices.min { load[$0] < load[$1] } ?? 0
            load[lane] += 1
            return lane
        }
        defer { load.withLock { $0[lane] -= 1 } }
        return await lanes[lane].send(call)
    }

    /// Ends the exchanges in progress, and all later ones, with `.cancelled`.
    public func cancel() { for lane in lanes { lane.cancel() } }
}
