import Basics
import ModelAPI
import PromptSource
import ResponseGenerator
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation

@Suite struct PlannedSourceTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    private func start(_ source: PlannedSource, _ plant: Plant, _ input: InputSet) throws {
        let standing = try InputStanding.begin(input, plant.store)
        let (settings, store, issued, codec) = (plant.settings, plant.store, plant.issued, plant.codec)
        source.start(
            input: input, from: .start, store: store, recorder: Recorder(store, codec: codec, issued: issued),
            planner: {
                RowPlanner(settings, input: input, store: store, issued: issued, codec: codec, standing: standing)
            }, onBadRow: { _ in })
    }

    /// Takes all items and the error at the end.
    private func drain(_ source: PlannedSource) async -> (sizes: [Int], error: RetortError?) {
        var sizes: [Int] = []
        do throws(RetortError) {
            while let batch = try await source.next() { sizes.append(batch.count) }
            return (sizes, nil)
        } catch {
            return (sizes, error)
        }
    }

    private func rows(_ count: Int, _ prompt: String = "x") -> String {
        (0..<count).map { #"{"id":"\#($0)","prompt":"\#(prompt)"}"# + "\n" }.joined()
    }

    @Test func allItemsInBatches() async throws {
        let plant = try Plant(in: folder)
        let source = PlannedSource()
        try start(source, plant, try plant.input(rows(600)))
        let drained = await drain(source)
        #expect(drained.sizes == [256, 256, 88] && drained.error == nil)
        #expect(source.reading.isComplete && source.reading.rows == 600)
        #expect(plant.store.manifest.input?.rows == 600)
    }

    @Test func largeRowsMakeSmallBatches() async throws {
        let plant = try Plant(in: folder)
        let source = PlannedSource()
        try start(source, plant, try plant.input(rows(6, String(repeating: "y", count: 3 << 20))))
        #expect(await drain(source).sizes == [2, 2, 2])
    }

    @Test func whatWasReadBeforeAnErrorIsHandedOver() async throws {
        let plant = try Plant("--strict", in: folder)
        let source = PlannedSource()
        try start(source, plant, try plant.input(rows(5) + rows(1)))
        let drained = await drain(source)
        #expect(drained.sizes == [5])
        #expect(drained.error?.message.hasPrefix("duplicate id ") == true)
        #expect(!source.reading.isComplete && plant.store.manifest.input?.rows == nil)
    }

    @Test func aClosedSourceLeavesTheStoreAlone() async throws {
        let plant = try Plant(in: folder)
        let source = PlannedSource()
        try start(source, plant, try plant.input(rows(5000) + String(repeating: "oops\n", count: 5000)))
        _ = try await source.next()
        source.close()
        let before = plant.store.counters
        // Queued batches may still be taken.
        for _ in 0..<PlannedSource.batchesAhead { _ = try await source.next() }
        #expect(try await source.next()?.isEmpty ?? true)
        try plant.store.close()
        #expect(plant.store.counters == before)
        #expect(!source.reading.isComplete)
    }
}
