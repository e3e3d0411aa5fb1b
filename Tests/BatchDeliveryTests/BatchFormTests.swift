import Basics
import Glibc
import JSONText
import ModelAPI
import Testing

@testable import BatchDelivery

private func parse(_ text: String) throws -> JSONValue { try JSONParser().parse(text).root }

private func size(of path: String) -> Int {
    var state = stat()
    return stat(path, &state) == 0 ? Int(state.st_size) : 0
}

@Suite struct BatchFormTests {
    @Test func idsAreNarrowedAndFoundAgain() {
        let name = CustomID.text(number: 17, mark: "0badcafe", id: Array("zeile/ü ".utf8), sample: 2)
        #expect(name == "17-0badcafe-zeile____-2")
        #expect(CustomID.number(name, mark: "0badcafe") == 17)
        #expect(CustomID.number(name, mark: "other") == nil)
        for wrong in ["", "17", "017-0badcafe-x", "-1-0badcafe-x", "99999999999999999999-0badcafe-x"] {
            #expect(CustomID.number(wrong, mark: "0badcafe") == nil)
        }
        let long = CustomID.text(
            number: 99_999, mark: "0badcafe", id: Array(repeating: 0x61, count: 500), sample: 12)
        #expect(long.utf8.count == CustomID.lengthMax && long.hasSuffix("-12"))
    }

    @Test func anItemComesBackAsItWas() throws {
        let item = BatchItem(
            customID: "1-x-a", id: Array("a\u{0}\"ü".utf8), sample: 3, row: .max, fingerprint: .max - 1, attempts: 2,
            corrections: 1, tokens: 9, costMax: 10, namesModel: true, roundsCount: 4, roundsNanodollars: 5,
            asked: Array(#","messages":[{"role":"user"}]"#.utf8), metadata: Array("{\"a\":\n1}".utf8),
            request: ModelRequest(path: "/p", body: Array("{\"model\":\r\n\"m\"}".utf8)))
        let line = item.line
        #expect(!line.contains(0x0A) && !line.contains(0x0D))
        let read = try #require(BatchItem(try JSONParser().parse(line).root))
        #expect(read == item)
        #expect(read.asked == item.asked && read.row == .max && read.fingerprint == .max - 1)
        #expect(BatchItem(try parse("{}")) == nil)
    }

    @Test func aPackIsFullByRequestsBytesAndTokens() {
        var meter = PackMeter(
            BatchLimits(requestsMax: 3, bytesMax: 20, tokensMax: 10), frameBytes: 2, separatorBytes: 1)
        #expect(meter.fits(bytes: 100, tokens: 100))
        meter.add(bytes: 8, tokens: 4)
        #expect(meter.bytes == 10)
        #expect(
            meter.fits(bytes: 9, tokens: 6) && !meter.fits(bytes: 10, tokens: 6) && !meter.fits(bytes: 9, tokens: 7))
        meter.add(bytes: 1, tokens: 1)
        meter.add(bytes: 1, tokens: 1)
        #expect(!meter.fits(bytes: 1, tokens: 1))
        var full = PackMeter(
            BatchLimits(requestsMax: 9, bytesMax: 20, tokensMax: 10), frameBytes: 2, separatorBytes: 1)
        full.add(bytes: 1, tokens: .max / 2 + 1)
        #expect(!full.fits(bytes: .max, tokens: .max))
        full.add(bytes: .max, tokens: .max / 2 + 1)
        #expect(full.tokens == .max && full.bytes == .max)
    }

    @Test func countsOfNoMeaningOverflowNothing() throws {
        let most = "9223372036854775807"
        let counts = #"{"total":\#(most),"completed":\#(most),"failed":\#(most),"succeeded":\#(most),"errored":-5}"#
        let open = try parse(
            #"{"id":"b","status":"x","created_at":\#(most),"expires_at":-\#(most),"request_counts":\#(counts)}"#)
        let view = try #require(OpenAIBatches().batch(open))
        #expect(view.succeeded == view.failed && view.succeeded > 0 && view.succeeded + view.failed > 0)
        #expect(view.expires == 0 && view.created < Int.max)
        let other = try parse(#"{"id":"b","processing_status":"x","request_counts":\#(counts)}"#)
        #expect(AnthropicBatches().batch(other)?.failed == 0)
        let line =
            #"{"batch":1,"stage":"seen","total":\#(most),"succeeded":\#(most),"failed":\#(most),"time":-\#(most)}"#
        let entry = try #require(BatchEntry(try parse(line)))
        #expect(entry.time == 0)
        guard case .seen(let total, let succeeded, let failed, _) = entry.stage else {
            Issue.record("another stage")
            return
        }
        #expect(total + succeeded + failed < Int.max)
    }

    @Test func linesAreReadWhateverTheirLength() throws {
        let path = "/tmp/retort-lines-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        defer { unlink(path) }
        let long = 3 << 20
        let writer = try FileWriter(path)
        try writer.write(Array("one\n\n".utf8))
        try writer.write(Array(repeating: 0x78, count: long))
        try writer.write(Array("\ntwo\nend".utf8))
        try writer.finish()
        func lines(_ reader: LineReader) throws -> [Int] {
            var found: [Int] = []
            while let (offset, line) = try reader.next() {
                #expect(try reader.line(at: offset, bytes: line.count) == line)
                found.append(line.count)
            }
            return found
        }
        #expect(try lines(try LineReader(path)) == [3, long, 3, 3])
        #expect(try lines(try LineReader(path, lineBytesMax: 1 << 20, skipsLonger: true)) == [3, 3, 3])
        #expect(throws: RetortError.self) { try lines(try LineReader(path, lineBytesMax: 1 << 20)) }
        unlink(path)
        #expect(mkfifo(path, 0o644) == 0)
        #expect(throws: RetortError.self) { try LineReader(path) }
    }

    @Test func openAIsAnswersAreRead() throws {
        let dialect = OpenAIBatches()
        let view = try #require(
            dialect.batch(
                try parse(
                    #"{"id":"batch_1","status":"in_progress","input_file_id":"f","output_file_id":null,"expires_at":9,"#
                        + #""request_counts":{"total":5,"completed":2,"failed":1},"metadata":{"retort":"n"}}"#)))
        #expect(view.end == nil && view.total == 5 && view.succeeded == 2 && view.failed == 1 && view.name == "n")
        func end(_ status: String, _ more: String = "") throws -> BatchEnd? {
            dialect.batch(try parse(#"{"id":"b","status":"\#(status)"\#(more)}"#))?.end
        }
        for status in ["validating", "finalizing", "cancelling", "what"] { #expect(try end(status) == nil) }
        #expect(try end("completed") == .completed && end("COMPLETED") == .completed)
        #expect(try end("expired") == .expired && end("cancelled") == .cancelled)
        let errors = #","errors":{"data":[{"code":"token_limit_exceeded","message":"m"}]}"#
        #expect(try end("failed", errors) == .failed(code: "token_limit_exceeded", message: "m"))
        // Ids from a server are inserted into URLs.
        #expect(dialect.batch(try parse(#"{"id":"../x","status":"completed"}"#)) == nil)
        #expect(
            dialect.batch(try parse(#"{"id":"b","status":"completed","output_file_id":"a/b"}"#))?.results == [])
    }

    @Test func openAIsResultLinesAreRead() throws {
        func kind(_ rest: String) throws -> String {
            guard let result = OpenAIBatches().result(try parse(#"{"custom_id":"c","# + rest + "}")) else { return "-" }
            return switch result.kind {
            case .reply(let status, let body): "\(status) \(String(decoding: body, as: UTF8.self))"
            case .expired: "expired"
            case .cancelled: "cancelled"
            case .failed(let message): "failed \(message)"
            }
        }
        #expect(try kind(#""response":{"status_code":200,"body":{"a":1}},"error":null"#) == #"200 {"a":1}"#)
        #expect(try kind(#""response":{"status_code":429,"body":{}},"error":null"#) == "429 {}")
        #expect(try kind(#""response":{"choices":[]}"#) == #"200 {"choices":[]}"#)
        #expect(try kind(#""response":null,"error":{"code":"batch_expired","message":"m"}"#) == "expired")
        #expect(try kind(#""response":null,"error":{"code":"x","message":"m"}"#) == "failed m")
        #expect(OpenAIBatches().result(try parse(#"{"response":null}"#)) == nil)
    }

    @Test func anthropicsAnswersAreRead() throws {
        let dialect = AnthropicBatches()
        let view = try #require(
            dialect.batch(
                try parse(
                    #"{"id":"msgbatch_1","processing_status":"ended","created_at":"2026-01-01T00:00:00Z","#
                        + #""request_counts":{"processing":0,"succeeded":2,"errored":1,"canceled":0,"expired":3},"#
                        + #""results_url":"https://elsewhere.example/x"}"#)))
        #expect(view.end == .completed && view.total == 6 && view.created == 1_767_225_600)
        #expect(view.results == ["/messages/batches/msgbatch_1/results"])
        let error =
            #"{"custom_id":"c","result":{"type":"errored","error":{"type":"error","error":{"type":"overloaded_error","message":"m"}}}}"#
        guard case .reply(let status, let body)? = dialect.result(try parse(error))?.kind else {
            Issue.record("no reply")
            return
        }
        #expect(status == 529 && String(decoding: body, as: UTF8.self).contains("overloaded_error"))
        let request = ModelRequest(path: "/v1/messages", body: Array("{\n}".utf8))
        #expect(
            String(decoding: dialect.line(customID: "c", request), as: UTF8.self) == #"{"custom_id":"c","params":{ }}"#)
    }

    @Test func theJournalForgetsATornEndAndNothingElse() throws {
        let root = "/tmp/retort-batches-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        #expect(mkdir(root, 0o755) == 0)
        defer {
            unlink(root + "/batches/journal.jsonl")
            rmdir(root + "/batches")
            rmdir(root)
        }
        let plan = BatchPlan(
            name: "n", mark: "m", path: "/p", window: "24h", server: "s", requests: 1, bytes: 2, tokens: 3, costMax: 4)
        let journal = try BatchJournal(of: root)
        #expect(journal.batches.isEmpty && journal.nextNumber == 1)
        try journal.append(BatchEntry(number: 1, .planned, time: 5, plan: plan))
        try journal.append(BatchEntry(number: 1, .uploaded(file: "f\""), time: 6))
        try journal.append(BatchEntry(number: 1, .created(batch: "b"), time: 7, uncertain: 8))
        func append(_ text: String) {
            let file = open(root + "/batches/journal.jsonl", O_WRONLY | O_APPEND)
            _ = write(file, text, text.utf8.count)
            close(file)
        }
        append(#"{"batch":1,"stage":"coll"#)
        let read = try BatchJournal(of: root)
        #expect(read.batches == journal.batches && read.uncertain == 8)
        let standing = try #require(read.open.first)
        #expect(standing.plan == plan && standing.file == "f\"" && standing.batch == "b" && standing.created == 7)
        // The torn line is replaced by the next entry.
        try read.append(BatchEntry(number: 1, .collected("completed"), time: 9))
        #expect(try BatchJournal(of: root).open.isEmpty)
        let file = root + "/batches/journal.jsonl"
        // A power cut leaves a page of zeros; anything else was synced and then damaged.
        append("{\u{0}\u{0}\n")
        #expect(try BatchJournal(of: root).batches.count == 1)
        #expect(truncate(file, size(of: file) - 4) == 0)
        append("nonsense\n")
        #expect(throws: RetortError.self) { try BatchJournal(of: root) }
        #expect(truncate(file, size(of: file) - 9) == 0)
        #expect(try BatchJournal(of: root).open.isEmpty)
        // Changes a digit of the time: the line still has the form of a journal line.
        let place = size(of: file) - 40
        let descriptor = open(file, O_RDWR)
        var byte: UInt8 = 0
        #expect(pread(descriptor, &byte, 1, off_t(place)) == 1)
        byte ^= 1
        #expect(pwrite(descriptor, &byte, 1, off_t(place)) == 1)
        #expect(throws: RetortError.self) { try BatchJournal(of: root) }
        byte ^= 1
        #expect(pwrite(descriptor, &byte, 1, off_t(place)) == 1)
        close(descriptor)
        #expect(try BatchJournal(of: root).open.isEmpty)
        append("nonsense\n{\"batch\":1,\"stage\":\"creating\",\"time\":1,\"uncertain\":0}\n")
        #expect(throws: RetortError.self) { try BatchJournal(of: root) }
    }
}
