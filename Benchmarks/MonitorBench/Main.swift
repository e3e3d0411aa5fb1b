import Basics
import Dataset
import Distillation
import Glibc
import ModelAPI
import ResponseGenerator
import RunMonitor
import SegmentStore

/// The cost of a page for the run that it shows: a fixed number of events per second, reported to nothing, to a watch,
/// and to a watch whose page is open in several browsers. An event is a request sent, a reply, or an outcome on disk.
@main struct MonitorBench {
    static let eventsPerSecond = 100_000
    static let seconds = 1.0
    static let rounds = 5
    static let readers = 3
    static let inFlight = 1000
    /// Of the thread of the run, in percent of a core.
    static let mark = 1.0

    static func main() throws {
        let batch = outcomes()
        let watch = makeWatch()
        watch.start()
        let closed = compare(watch, batch)
        let server = try MonitorServer(Source(watch: watch), host: "127.0.0.1", port: 0, token: nil)
        let clients = (0..<readers).map { _ in Reader(port: server.port) }
        let open = compare(watch, batch)
        for client in clients { client.close() }
        server.stop()
        let read = clients.reduce(0) { $0 + $1.seconds } / (Double(2 * rounds) * seconds) * 100
        print("\(eventsPerSecond) events a second, minimum of \(rounds) rounds of \(seconds) s; percent of a core")
        line("told to nobody", closed.untold, nil)
        line("the run's thread", closed.told - closed.untold, mark)
        line("the run's thread, \(readers) pages open", open.told - open.untold, mark)
        line("all other threads, \(readers) pages open", open.others - read, nil)
        print("bytes that the pages were sent: \(clients.reduce(0) { $0 + $1.bytes })")
        precondition(clients.allSatisfy { $0.bytes > 0 }, "a page got nothing")
    }

    /// The thread's cost without and with a watch, in alternation. The minimum of each, as other programs only add to it.
    private static func compare(
        _ watch: RunWatch, _ batch: [Outcome<ItemContext>]
    ) -> (untold: Double, told: Double, others: Double) {
        let pairs = (0..<rounds).map { _ in (untold: measure(nil, batch), told: measure(watch, batch)) }
        let all = pairs.flatMap { [$0.untold, $0.told] }
        return (
            pairs.map(\.untold.thread).min() ?? 0, pairs.map(\.told.thread).min() ?? 0,
            all.reduce(0) { $0 + $1.process - $1.thread } / Double(all.count)
        )
    }

    private static func line(_ name: String, _ percent: Double, _ mark: Double?) {
        let text = String(Int((percent * 100).rounded()))
        let padded = String(repeating: "0", count: max(0, 3 - text.count)) + text
        let value = "\(padded.dropLast(2)).\(padded.suffix(2))"
        let space = String(repeating: " ", count: max(2, 44 - name.count))
        print("\(name)\(space)\(value) %" + (mark.map { "   (mark: <= \($0) %)" } ?? ""))
    }

    struct Source: MonitorSource {
        let watch: RunWatch
        var control: (@Sendable ([UInt8]) -> ControlReply)? { nil }
        func pageState() -> [UInt8] { watch.pageState() }
        func metrics() -> Exposition { watch.metrics() }
    }

    private static func makeWatch() -> RunWatch {
        let watch = RunWatch(title: "runs/bench", model: "m", server: "http://127.0.0.1", costMax: nil)
        // As in a run in progress.
        var record = RunRecord()
        (record.pid, record.started, record.concurrency) = (Int(getpid()), 1, inFlight)
        watch.show(record, failures: [:], answers: [], events: [])
        return watch
    }

    /// One millisecond's outcomes.
    private static func outcomes() -> [Outcome<ItemContext>] {
        let reply = ModelAnswer(
            body: [], responseRaw: Array(#""some text of an answer""#.utf8)[...], finishReason: "stop")
        return (0..<perStep).map { number in
            let context = ItemContext(
                key: RecordKey("row-\(number)"), row: UInt64(number), fingerprint: 0, asked: [], metadata: [],
                request: request)
            return Outcome(
                context: context, result: .answer(reply), attempts: 1, latency: .milliseconds(90),
                finishedAt: .now)
        }
    }

    static let request = makeRequest(0)

    private static func makeRequest(_ number: Int) -> ModelRequest {
        let body = #"{"model":"m","messages":[{"role":"user","content":"prompt \#(number)"}]}"#
        return ModelRequest(path: "/chat/completions", body: Array(body.utf8))
    }

    /// Exchanges of a millisecond: each is three events.
    static let perStep = eventsPerSecond / 3000

    /// What a run does with an exchange with and without a watch: it only holds it.
    @inline(never)
    private static func taken(_ result: Result<ModelReply, TransportFailure>, _ request: ModelRequest) -> Int {
        if case .success(let reply) = result { reply.status + request.body.count } else { 0 }
    }

    /// Ends one exchange and starts the next. A function of its own, so that its caller makes the same copies in both cases.
    @inline(never)
    private static func exchange(
        _ watch: ExchangeWatch?, _ underWay: inout UInt64, _ result: Result<ModelReply, TransportFailure>,
        _ request: ModelRequest
    ) -> Int {
        if let watch {
            watch.ended(underWay, result)
            underWay = watch.began(request, at: .now)
        }
        return taken(result, request)
    }

    /// CPU time of this thread and of the process, in percent of a core.
    private static func measure(
        _ watch: RunWatch?, _ batch: [Outcome<ItemContext>]
    ) -> (thread: Double, process: Double) {
        let replies = (0..<64).map { number in
            Result<ModelReply, TransportFailure>.success(
                ModelReply(status: number == 0 ? 429 : 200, body: [], latency: .milliseconds(Int64(number * 7))))
        }
        // As in a run each has a body of its own.
        let requests = (0..<inFlight).map(makeRequest)
        let exchanges = watch?.exchanges
        var underWay = requests.map { exchanges?.began($0, at: .now) ?? 0 }
        var oldest = 0
        let began = (thread: cpu(CLOCK_THREAD_CPUTIME_ID), process: cpu(CLOCK_PROCESS_CPUTIME_ID), at: Instant.now)
        var step = 0
        var kept = 0
        while true {
            let due = began.at + .milliseconds(Int64(step))
            let wait = (due - .now).nanoseconds
            if wait > 0 { usleep(UInt32(wait / 1000)) }
            if (Instant.now - began.at).seconds >= seconds { break }
            for number in 0..<perStep {
                kept &+= exchange(exchanges, &underWay[oldest], replies[number & 63], requests[oldest])
                oldest = oldest + 1 == inFlight ? 0 : oldest + 1
            }
            watch?.settled(batch, hasFailures: false)
            step += 1
        }
        for number in underWay { exchanges?.ended(number, .failure(TransportFailure(.cancelled, ""))) }
        precondition(kept > 0)
        let percent = 100 / (Instant.now - began.at).seconds
        return (
            (cpu(CLOCK_THREAD_CPUTIME_ID) - began.thread) * percent,
            (cpu(CLOCK_PROCESS_CPUTIME_ID) - began.process) * percent
        )
    }

    static func cpu(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// A browser with the page: reads events on a thread of its own, and says what that took.
final class Reader: Sendable {
    private let socket: Int32
    private let state = Monitor((seconds: 0.0, bytes: 0, hasEnded: false))

    init(port: UInt16) {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        precondition(status == 0, "no page to read")
        let request = "GET /events HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\r\n"
        precondition(send(socket, request, request.utf8.count, 0) == request.utf8.count)
        self.socket = socket
        WorkThread.start { [state] in
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            var bytes = 0
            while true {
                let count = recv(socket, &buffer, buffer.count, 0)
                guard count > 0 else { break }
                bytes += count
            }
            let result = (seconds: MonitorBench.cpu(CLOCK_THREAD_CPUTIME_ID), bytes: bytes, hasEnded: true)
            state.update { $0 = result }
        }
    }

    func close() { shutdown(socket, Int32(SHUT_RDWR)) }

    var seconds: Double { state.wait { $0.hasEnded ? $0.seconds : nil } }
    var bytes: Int { state.wait { $0.hasEnded ? $0.bytes : nil } }
}
