import Basics
import Dataset
import ModelAPI
import ResponseGenerator
import RunTestSupport
import SegmentStore
import Testing

@testable import Distillation

@Suite("Control of a run of several legs")
struct RunControlTests {
    private let control = RunControl(RunWatch(title: "", model: "", server: "", costMax: nil)) { _ in }

    private func attach(_ leg: Leg) throws -> ResponseGenerator<ItemContext> {
        let generator = try ResponseGenerator<ItemContext>(GeneratorConfiguration(), transport: leg, observer: leg)
        control.attach(generator, settings: try settings("in.jsonl", "--out", "x", "--simulate")) {}
        return generator
    }

    @Test("a pause between two legs holds in the next one")
    func pauseBetween() async throws {
        #expect(try control.perform(.pause).hasPrefix("paused"))
        let leg = Leg { [control] in _ = try? control.perform(.drain) }
        _ = try await attach(leg).run(source: leg, sink: leg)
        #expect(leg.sent.withLock { $0 } == 0)
    }

    @Test("a pause that was reverted between two legs does not hold in the next one")
    func resumeBetween() async throws {
        _ = try control.perform(.pause)
        _ = try control.perform(.resume)
        let leg = Leg()
        _ = try await attach(leg).run(source: leg, sink: leg)
        #expect(leg.sent.withLock { $0 } == Leg.count)
    }

    @Test("after a leg through batches, commands reach the next one")
    func afterBatches() throws {
        let left = Locked(0)
        control.attach { left.withLock { $0 += 1 } }
        #expect(throws: RetortError.self) { try control.perform(.pause) }
        _ = try control.perform(.drain)
        control.detach()
        _ = try attach(Leg())
        _ = try control.perform(.pause)
        _ = try control.perform(.drain)
        #expect(left.withLock { $0 } == 1)
    }

    @Test("a leg through batches says that it does not keep a pause")
    func pauseBeforeBatches() throws {
        let noted = Locked<[String]>([])
        let control = RunControl(RunWatch(title: "", model: "", server: "", costMax: nil)) { text in
            noted.withLock { $0.append(text) }
        }
        _ = try control.perform(.pause)
        control.attach {}
        #expect(noted.withLock { $0.last }?.hasPrefix("not paused") == true)
    }
}

/// A few items and a server that answers at once.
private final class Leg: ItemSource, OutcomeSink, ModelTransport, ProgressObserver {
    static let count = 4

    let sent = Locked(0)
    private let handedOut = Locked(false)
    private let onPause: @Sendable () -> Void

    init(onPause: @escaping @Sendable () -> Void = {}) { self.onPause = onPause }

    func next() async throws(RetortError) -> [Item<ItemContext>]? {
        let isFirst = handedOut.withLock { handedOut in
            defer { handedOut = true }
            return !handedOut
        }
        guard isFirst else { return nil }
        return (0..<Self.count).map { number in
            let request = ModelRequest(path: "/chat/completions", body: Array("{}".utf8))
            let context = ItemContext(
                key: RecordKey("row-\(number)"), row: UInt64(number), fingerprint: 0, asked: [], metadata: [],
                request: request)
            return Item(request: request, context: context, estimatedTokens: 1)
        }
    }

    func accept(_ batch: [Outcome<ItemContext>]) throws(RetortError) -> SinkPressure { .open }

    func send(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure> {
        sent.withLock { $0 += 1 }
        let body = #"{"choices":[{"message":{"role":"assistant","content":"yes"},"finish_reason":"stop"}]}"#
        return .success(ModelReply(status: 200, body: Array(body.utf8)))
    }

    func progress(_ progress: Progress) {
        if progress.hold == .paused { onPause() }
    }
}
