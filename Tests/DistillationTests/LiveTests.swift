import Basics
import JSONText
import ModelAPI
import ResponseGenerator
import Testing

@testable import Dataset
@testable import Distillation

@Suite("Commands to a run")
struct ControlCommandTests {
    @Test(
        "as they are typed and as they are sent",
        arguments: [
            ["pause"], ["resume"], ["drain"], ["stop"], ["explain"],
            ["set", "concurrency=512", "rpm=600", "max-cost=$20"],
            ["set", "rps=off"], ["set", "tpm=1.5e5"], ["requeue", "q 17=x"], ["hold", "big"], ["release", "big"],
        ])
    func roundTrip(words: [String]) throws {
        let command = try ControlCommand(words)
        #expect(try ControlCommand(json: command.json) == command)
    }

    @Test(
        "what is none is told",
        arguments: [
            [], ["set"], ["pause", "now"], ["PAUSE"], ["set", "concurrency"], ["set", "concurrency=0"],
            ["set", "concurrency=1.5"], ["set", "concurrency=1e9"], ["set", "concurrency=off"], ["set", "rpm=0"],
            ["set", "rpm=nan"], ["set", "rpm=inf"], ["set", "rpm=-1"], ["set", "max-cost=1e300"], ["set", "x=1"],
            ["requeue"], ["requeue", ""], ["hold", "a", "b"], ["release"],
            ["requeue", String(repeating: "x", count: 1025)],
        ])
    func refused(words: [String]) {
        #expect(throws: RetortError.self) { try ControlCommand(words) }
    }

    @Test(
        "rubbish from a socket is told, too",
        arguments: [
            "", "{", "[]", "null", #"{"command":1}"#, #"{"command":"set"}"#, #"{"command":"set","set":7}"#,
            #"{"command":"set","set":{"rpm":null}}"#, #"{"command":"requeue"}"#, #"{"command":"hold","model":7}"#,
            #"{"command":"set","set":{"\ud800":1}}"#,
        ])
    func rubbish(json: String) {
        #expect(throws: RetortError.self) { try ControlCommand(json: Array(json.utf8)) }
    }

    @Test("what the engine is told")
    func steering() throws {
        guard case .set(let settings) = try ControlCommand(["set", "concurrency=7", "rpm=off", "max-cost=0.5"]) else {
            Issue.record("not a set")
            return
        }
        #expect(
            settings.map(\.steering) == [.concurrency(7), .requestsPerMinute(nil), .budget(nanodollars: 500_000_000)])
    }
}

@Suite("What a run shows")
struct LiveTests {
    @Test("samples are joined when they are full, and no peak is lost")
    func history() {
        var history = LiveHistory()
        for second in 0..<1000 {
            history.add(LiveHistory.Sample(items: Double(second % 2), p99: second == 777 ? 9 : nil))
        }
        #expect(history.samples.count < LiveHistory.samplesMax)
        #expect(history.step == 8)
        #expect(Double(history.samples.count) * history.step > 990)
        #expect(history.samples.allSatisfy { $0.items == 0.5 })
        #expect(history.samples.compactMap(\.p99) == [9])
    }

    @Test("the text of a long answer is cut where no escape is")
    func longAnswer() {
        let escape = #"\ud83d\ude00"#
        for count in 8170...8200 {
            let raw = "\"" + String(repeating: "x", count: count) + escape + String(repeating: "y", count: 99) + "\""
            let text = Excerpt.answer(Array(raw.utf8)[...])
            #expect(text.hasPrefix("xxx") && text.unicodeScalars.count <= Excerpt.answerScalarsMax + 1)
        }
        #expect(Excerpt.answer(Array(#""a\n\"b""#.utf8)[...]) == "a\n\"b")
    }

    @Test("exchanges under way are shown by age, with the last turn of what is asked")
    func exchanges() {
        let watch = ExchangeWatch()
        let start = Instant(nanoseconds: 0)
        func request(_ text: String) -> ModelRequest { ModelRequest(path: "/chat/completions", body: Array(text.utf8)) }
        let first = watch.began(request(#"{"messages":[{"content":"old"},{"content":"newer"}]}"#), at: start)
        _ = watch.began(
            request(#"{"messages":[{"content":[{"type":"text","text":"part"}]}]}"#), at: start + .seconds(1))
        _ = watch.began(request("rubbish"), at: start + .seconds(2))
        let shown = watch.slowest(9, at: start + .seconds(5))
        #expect(shown.map(\.text) == ["newer", "part", "/chat/completions, 7 bytes"])
        #expect(shown.map(\.seconds) == [5, 4, 3])
        watch.ended(first, .success(ModelReply(status: 200, body: [], latency: .milliseconds(70))))
        watch.ended(first + 1, .failure(TransportFailure(.timeout, "late")))
        #expect(watch.slowest(9, at: start + .seconds(5)).count == 1)
        let counts = watch.counts
        #expect(counts.codes == [200: 1] && counts.broken == [.timeout: 1])
        #expect(counts.buckets[ExchangeWatch.bounds.firstIndex(of: 0.1)!] == 1 && counts.buckets.reduce(0, +) == 1)
        #expect(watch.takeRecent().count == 1 && watch.takeRecent().isEmpty)
    }

    @Test("a slot is used again, under another number; the oldest requests are shown whatever their slots")
    func slots() {
        let watch = ExchangeWatch()
        let request = ModelRequest(path: "/chat/completions", body: [])
        func at(_ second: Double) -> Instant { Instant(nanoseconds: 0) + .seconds(second) }
        let numbers = (0..<4).map { watch.began(request, at: at(Double($0))) }
        for number in numbers[0...1] { watch.ended(number, .failure(TransportFailure(.timeout, ""))) }
        let later = (4..<7).map { watch.began(request, at: at(Double($0))) }
        #expect(Set(numbers + later).count == 7)
        #expect(watch.slowest(3, at: at(10)).map(\.seconds) == [8, 7, 6])
        watch.ended(numbers[0], .failure(TransportFailure(.timeout, "")))
        #expect(watch.slowest(9, at: at(10)).map(\.seconds) == [8, 7, 6, 5, 4], "a number of before ends nothing")
    }

    @Test("a server's invented statuses fill no memory")
    func statuses() {
        let watch = ExchangeWatch()
        for status in 100..<999 {
            watch.ended(0, .success(ModelReply(status: status, body: [])))
        }
        #expect(watch.counts.codes.count <= 65)
        #expect(watch.counts.codes.values.reduce(0, +) == 899)
    }

    @Test(
        "where to listen",
        arguments: [
            ("127.0.0.1:7788", "127.0.0.1", 7788), ("7788", "127.0.0.1", 7788), ("[::1]:0", "::1", 0),
            ("localhost:80", "localhost", 80),
        ])
    func addresses(text: String, host: String, port: UInt16) throws {
        let address = try ListenAddress(text)
        #expect(address.host == host && address.port == port)
    }

    @Test(
        "what is no address", arguments: ["", ":", ":80", "localhost", "a:b", "1.2.3.4:65536", "::1:80", "1.2.3.4:-1"])
    func noAddresses(text: String) {
        #expect(throws: RetortError.self) { try ListenAddress(text) }
    }

    @Test("an explanation names what bounds the pace")
    func explanations() {
        var record = RunRecord()
        (record.concurrency, record.concurrencyMax, record.inFlight) = (8, 8, 8)
        var times = LogHistogram()
        times.add(250)
        #expect(Explanation(record, times).text.contains("the server's latency (median latency 250ms) bounds the pace"))
        record.concurrencyMax = 64
        #expect(Explanation(record, times).text.contains("below its maximum"))
        record.inFlight = 1
        #expect(Explanation(record, times).text.contains("the window has room"))
        record.paused = "no space left on the disk"
        #expect(Explanation(record, times).text.contains("nothing is sent: no space left on the disk"))
    }
}
