import Basics
import TestSupport
import Testing

@testable import SegmentStore

/// A machine on which an action happens between two calls of the program that uses it.
private final class Interjection: FileSystem {
    private let files: SimulatedFileSystem
    private let state: Locked<(callsLeft: Int, action: (@Sendable () -> Void)?)>

    init(_ files: SimulatedFileSystem, beforeCall call: Int, _ action: @escaping @Sendable () -> Void) {
        self.files = files
        state = Locked((call, action))
    }

    /// Whether the call was reached.
    var happened: Bool { state.withLock { $0.action == nil } }

    private func next() -> SimulatedFileSystem {
        let action = state.withLock { state -> (@Sendable () -> Void)? in
            state.callsLeft -= 1
            guard state.callsLeft <= 0 else { return nil }
            defer { state.action = nil }
            return state.action
        }
        action?()
        return files
    }

    func open(_ path: String, _ mode: FileMode) throws(RetortError) -> any StoreFile { try next().open(path, mode) }
    func createDirectory(_ path: String) throws(RetortError) { try next().createDirectory(path) }
    func entries(of directory: String) throws(RetortError) -> [String] { try next().entries(of: directory) }
    func size(of path: String) throws(RetortError) -> Int? { try next().size(of: path) }
    func rename(_ source: String, to target: String) throws(RetortError) { try next().rename(source, to: target) }
    func remove(_ path: String) throws(RetortError) { try next().remove(path) }
    func removeDirectory(_ path: String) throws(RetortError) { try next().removeDirectory(path) }
    func syncDirectory(_ path: String) throws(RetortError) { try next().syncDirectory(path) }
    func lock(_ path: String) throws(RetortError) -> any FileLock { try next().lock(path) }
    func lockHolder(_ path: String) throws(RetortError) -> String? { try next().lockHolder(path) }
}

/// A reader during a revision sees the store either as it was before or as it is afterwards.
@Suite struct RevisionReaderTests {
    private let store: SampleStore
    private let before: [Lane: [String: [UInt8]]]
    private let after: [Lane: [String: [UInt8]]]
    private static let chosen = Array(stride(from: 1, to: 90, by: 3))

    init() throws {
        store = try SampleStore().make()
        before = try store.lines()
        let revised = SampleStore(on: store.files.fork(seed: 1), root: store.root)
        try revised.revise(Self.chosen)
        after = try revised.lines()
    }

    /// The store on a machine where the revision happens before that call.
    private func interrupted(_ call: Int) -> (SampleStore, Interjection) {
        let machine = SampleStore(on: store.files.fork(seed: 1), root: store.root)
        let files = Interjection(machine.files, beforeCall: call) {
            do { try machine.revise(Self.chosen) } catch { Issue.record("\(error)") }
        }
        var reading = machine
        reading.options.files = files
        return (reading, files)
    }

    @Test func aReaderSeesTheOneOrTheOther() throws {
        for call in 1...1000 {
            let (reading, files) = interrupted(call)
            let lines = try reading.lines()
            #expect(lines == before || lines == after, "before call \(call)")
            guard files.happened else { break }
            #expect(call < 1000)
        }
    }

    @Test func aVerificationFindsNothingWrong() throws {
        for call in 1...2000 {
            let (reading, files) = interrupted(call)
            let report = try reading.verify()
            #expect(report.isClean, "before call \(call): \(report.problems.first.map { "\($0)" } ?? "")")
            guard files.happened else { break }
            #expect(call < 2000)
        }
    }
}
