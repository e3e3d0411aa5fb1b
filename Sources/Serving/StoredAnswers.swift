package import Basics
import Dataset
import Distillation
import JSONText
package import SegmentStore

/// Bodies of stored answers, read on a thread of its own, since each read decompresses a block.
package final class StoredAnswers: Sendable {
    package typealias Completion = @Sendable (Result<[UInt8], RetortError>) -> Void

    private struct Job {
        var key: RecordKey
        var entry: IndexEntry
        var completion: Completion
    }

    private struct State {
        var jobs: [Job] = []
        var isStopped = false
    }

    private let root: String
    private let state = Monitor(State())
    private let recent = Locked(RecentAnswers())

    package init(_ root: String) {
        self.root = root
        WorkThread.start { [state, root] in Self.work(state, root) }
    }

    deinit { stop() }

    package func stop() { state.update { $0.isStopped = true } }

    /// Caches an answer that was just recorded: it is in the journal, which is not searched.
    package func keep(_ hash: Hash128, _ body: [UInt8]) { recent.withLock { $0.keep(hash, body) } }

    /// Delivers the answer's body, at once or later.
    package func read(_ key: RecordKey, _ entry: IndexEntry, _ completion: @escaping Completion) {
        if let body = recent.withLock({ $0.body(entry.hash) }) { return completion(.success(body)) }
        let isTaken = state.update { state in
            if !state.isStopped { state.jobs.append(Job(key: key, entry: entry, completion: completion)) }
            return !state.isStopped
        }
        if !isTaken { completion(.failure(RetortError(.interrupted, "the server is ending"))) }
    }

    private static func work(_ state: Monitor<State>, _ root: String) {
        let parser = JSONParser()
        var fetcher = RecordFetcher(root)
        while true {
            let job = state.wait { state -> Job?? in
                if !state.jobs.isEmpty { return .some(state.jobs.removeFirst()) }
                return state.isStopped ? .some(nil) : nil
            }
            guard let job else { return }
            do throws(RetortError) {
                job.completion(.success(try body(of: job, &fetcher, parser)))
            } catch {
                fetcher = RecordFetcher(root)
                job.completion(.failure(error))
            }
        }
    }

    private static func body(
        of job: Job, _ fetcher: inout RecordFetcher, _ parser: JSONParser
    ) throws(RetortError) -> [UInt8] {
        let record = try fetcher.record(job.entry)
        guard let record, let root = try? parser.parse(record.line).root,
            let body = RecordView(root).member(.answerBody)?.stringBytes, !body.isEmpty
        else {
            throw RetortError(.notFound, "the record holds no body of an answer", at: "\(job.key)")
        }
        return body
    }
}

/// The most recent answers, bounded in bytes. A value.
package struct RecentAnswers: Sendable {
    /// More than the journals can hold: 24 MiB waiting for compression, and two open blocks.
    package static let bytesMax = 64 << 20
    /// A longer answer is read from the store.
    package static let answerBytesMax = 8 << 20

    private var bodies: [Hash128: [UInt8]] = [:]
    private var order: [Hash128] = []
    private var first = 0
    package private(set) var bytes = 0

    package func body(_ hash: Hash128) -> [UInt8]? { bodies[hash] }

    package mutating func keep(_ hash: Hash128, _ body: [UInt8]) {
        guard body.count <= Self.answerBytesMax, bodies[hash] == nil else { return }
        bodies[hash] = body
        order.append(hash)
        bytes += body.count
        while bytes > Self.bytesMax, first < order.count {
            bytes -= bodies.removeValue(forKey: order[first])?.count ?? 0
            first += 1
        }
        if first > 4096, first * 2 > order.count {
            order.removeFirst(first)
            first = 0
        }
    }
}
