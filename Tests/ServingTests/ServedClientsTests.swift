import Basics
import Glibc
import HTTPServer
import JSONText
import ModelAPI
import ResponseGenerator
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation
@testable import Serving

@Suite struct ServedClientsTests {
    // MARK: Keys

    @Test func linesAndJSONNameTheSameClients() throws {
        let lines = try ClientKeys("key-of-anna anna 1.5 60 # the first\n\n# none\nkey-of-ben ben - 3\n", at: "k")
        let json = try ClientKeys(
            #"[{"key":"key-of-anna","name":"anna","budget":1.5,"rpm":60},{"key":"key-of-ben","name":"ben","rpm":3}]"#,
            at: "k")
        #expect(lines == json)
        #expect(lines.all[0].budget == 1_500_000_000 && lines.all[1].budget == nil)
        var request = HTTPRequest(method: "POST", path: "/v1/messages")
        #expect(lines.client(of: request) == nil)
        request.headers = [("x-api-key", "key-of-ben")]
        #expect(lines.client(of: request)?.name == "ben")
        request.headers = [("authorization", "Bearer key-of-anna"), ("x-api-key", "key-of-ben")]
        #expect(lines.client(of: request)?.name == "anna")
    }

    @Test(arguments: [
        "", "# none", "short a", "key-of-anna", "key-of-anna a b", "key-of-anna a -1", "key-of-anna a 1 0",
        "key-of-anna a nan", "key-of-anna a 1 1 1", "key-of-anna a\nkey-of-anna b", "key-of-anna a\nkey-of-ben a",
        "[", "[{}]", #"[{"key":"key-of-anna","name":""}]"#, #"[{"key":"key-of-anna","name":"a","budget":"1"}]"#,
    ])
    func aWrongFileIsRefusedWithoutItsKeys(text: String) {
        let error = #expect(throws: RetortError.self) { try ClientKeys(text, at: "file") }
        #expect(error?.code == .configuration && error?.description.contains("key-of") == false)
    }

    // MARK: Accounts

    private func client(budget: Int? = nil, perMinute: Double? = nil) -> ClientKey {
        ClientKey(key: "key-of-anna", name: "anna", budget: budget, requestsPerMinute: perMinute)
    }

    private func outcome(_ id: String, _ result: OutcomeResult, price: TokenPrice?) -> Outcome<ItemContext> {
        let context = ItemContext(
            key: RecordKey(id), row: 0, fingerprint: 0, asked: [], metadata: Array(#"{"client":"anna"}"#.utf8),
            request: ModelRequest(path: "/x", body: []), price: price)
        return Outcome(context: context, result: result, attempts: 1, latency: .zero, finishedAt: .now)
    }

    @Test func aBudgetIsSetAsideAndSpent() throws {
        let (accounts, anna) = (ClientAccounts(spent: ["anna": 10]), client(budget: 100))
        let price = TokenPrice(input: 0, cachedInput: 0, output: 0.001)
        try accounts.reserve(anna, RecordKey("a").hash, 50)
        try accounts.reserve(anna, RecordKey("b").hash, 40)
        #expect(throws: ClientError.self) { try accounts.reserve(anna, RecordKey("c").hash, 1) }
        let answer = ModelAnswer(body: [], usage: TokenUsage(prompt: 1, completion: 20))
        accounts.note(outcome("a", .answer(answer), price: price))
        #expect(accounts.spent == ["anna": 30])
        try accounts.reserve(anna, RecordKey("c").hash, 30)
        // A reply without token counts is charged at its maximum.
        accounts.note(outcome("b", .answer(ModelAnswer(body: [])), price: price))
        #expect(accounts.spent == ["anna": 70])
        accounts.releaseAll()
        try accounts.reserve(anna, RecordKey("d").hash, 30)
        #expect(throws: ClientError.self) { try accounts.reserve(anna, RecordKey("e").hash, 1) }
        try accounts.reserve(client(), RecordKey("f").hash, 1_000_000)
    }

    @Test func aPaceLetsAMinutesWorthPass() throws {
        let (accounts, anna) = (ClientAccounts(), client(perMinute: 6))
        let start = Instant(nanoseconds: 1_000_000_000_000)
        for _ in 0..<6 { try accounts.checkPace(anna, at: start) }
        let error = #expect(throws: ClientError.self) { try accounts.checkPace(anna, at: start) }
        #expect(error?.status == 429 && error?.retryAfterSeconds == 10)
        try accounts.checkPace(anna, at: start + .seconds(10))
        #expect(throws: ClientError.self) { try accounts.checkPace(anna, at: start + .seconds(10)) }
        try accounts.checkPace(client(), at: start)
    }

    // MARK: Uploads

    private func form(_ text: String, _ type: String = "multipart/form-data; boundary=\"x y\"") -> MultipartForm? {
        MultipartForm(Array(text.utf8), contentType: type)
    }

    @Test func aFormHasItsParts() throws {
        let text =
            "preamble\r\n--x y\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--x y\r\n"
            + "content-disposition: form-data; name=file; filename=\"a.jsonl\"\r\nContent-Type: text/x\r\n\r\n"
            + "{\"a\":1}\r\n--x\r\n\r\n--x y--\r\n"
        let read = try #require(form(text))
        #expect(read.part("purpose").map { Array($0.content) } == Array("batch".utf8))
        #expect(read.part("file")?.fileName == "a.jsonl")
        #expect(read.part("file").map { Array($0.content) } == Array("{\"a\":1}\r\n--x\r\n".utf8))
        #expect(read.part("other") == nil)
    }

    @Test func whatIsNoFormIsNone() {
        #expect(form("", "text/plain") == nil && form("", "multipart/form-data") == nil)
        for text in [
            "", "--x y", "--x y\r\n", "--x y\r\n\r\n", "--x y\r\nA: b\r\n\r\n", "--x y\r\nA: b\r\n\r\nc", "--x y--x",
            "--x y\r\n\r\n--x y--", "--x y\r\nA: b\r\n\r\n\r\n--x y",
        ] { _ = form(text) }
        // Truncated at every position, it is parsed or not; it never traps.
        let whole = "--x y\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--x y--\r\n"
        for length in 0..<whole.utf8.count { _ = form(String(decoding: Array(whole.utf8)[..<length], as: UTF8.self)) }
    }

    @Test(.timeLimit(.minutes(1))) func aFormThatLooksLikeItsBoundaryIsReadOnce() {
        let boundary = String(repeating: "-", count: 199) + "x"
        let type = "multipart/form-data; boundary=\(boundary)"
        let dashes = [UInt8](repeating: UInt8(ascii: "-"), count: 8 << 20)
        #expect(MultipartForm(dashes, contentType: type) == nil)
        #expect(MultipartForm([UInt8](repeating: 0x0D, count: 1 << 20), contentType: type) == nil)
        #expect(form("", "multipart/form-data; boundary=\"a\rb\"") == nil)
    }

    // MARK: Batches

    @Test func filesOfAShelfThatAreNoneAreNotWaitedForOrBelieved() throws {
        let folder = try Folder()
        let shelf = try BatchShelf(in: folder.path)
        let file = try shelf.add([1, 2, 3][...], name: "n", purpose: "batch", owner: "")
        let place = folder.path + "/front/"
        #expect(mkfifo(place + "pipe.json", 0o600) == 0)
        #expect(symlink("/etc/passwd", place + "link.json") == 0)
        func write(_ text: String, _ name: String) throws {
            _ = try folder.write("front/" + name, text)
        }
        let job = #""endpoint":"/v1/responses","input_file_id":"f","status":"in_progress""#
        try write(#"{"id":"late",\#(job),"created_at":9223372036854775807,"changed":9223372036854775807}"#, "late.json")
        try write(#"{"id":"../../x",\#(job)}"#, "other.json")
        try write(#"{"id":"\#(file.id)","owner":"eve","bytes":1}"#, "third.json")
        let found = try BatchShelf(in: folder.path)
        #expect(found.unfinished == ["late"] && found.files(of: "eve").isEmpty && found.files(of: "") == [file])
        let late = try #require(found.batch("late")).tree.line
        #expect(try #require(JSONParser().parse(late).root["expires_at"]?.int) > 0)
        // A batch reads its input from a file, too.
        unlink(found.contentPath(file.id))
        #expect(mkfifo(found.contentPath(file.id), 0o600) == 0)
        #expect(throws: RetortError.self) { try LineFile(found.contentPath(file.id)) }
    }

    @Test func whatRecordsDoNotKnowCountsAsItWasSetAside() throws {
        let folder = try Folder()
        let store = try RecordStore.create(folder.path + "/s", job: [:], failureClasses: RecordCodec.failureClasses)
        func record(_ id: String, _ client: String, cost: String, reserve: Int?) -> NewRecord {
            let reserved = reserve.map { #","\#(ClientBooks.reserveName)":\#($0)"# } ?? ""
            var metadata: [UInt8] = []
            JSONString.append(#"{"client":"\#(client)"\#(reserved)}"#, to: &metadata)
            return NewRecord(
                key: RecordKey(id), status: .ok, attempts: 1, row: 0, fingerprint: 1,
                members: Array(#""cost_usd":\#(cost),"metadata":"#.utf8) + metadata)
        }
        _ = try store.append([
            record("a", "anna", cost: "0.000000001", reserve: 40), record("b", "anna", cost: "null", reserve: 40),
            record("c", "ben", cost: "null", reserve: nil), record("d", "anna", cost: "null", reserve: 7),
        ])
        #expect(try ClientBooks.load(store) == ["anna": 48, "ben": 0])
        try store.close()
    }

    @Test func aLogIsAFileOfOnesOwn() throws {
        let folder = try Folder()
        let path = folder.path + "/s.log"
        close(try OwnFile.openToAppend(path))
        #expect(chmod(path, 0o644) == 0)
        close(try OwnFile.openToAppend(path))
        var status = stat()
        let found = stat(path, &status)
        #expect(found == 0 && status.st_mode & 0o777 == 0o600)
        #expect(symlink(path, folder.path + "/l.log") == 0 && mkfifo(folder.path + "/p.log", 0o600) == 0)
        #expect(link(path, folder.path + "/h") == 0)
        for name in ["l.log", "p.log", "h", "s.log"] {
            #expect(throws: RetortError.self) { try OwnFile.openToAppend(folder.path + "/" + name) }
        }
    }

    @Test func aBatchIsReadAsItIsKept() throws {
        var job = BatchJob(id: "batch_1", owner: "anna", endpoint: "/v1/responses", inputFile: "file-1", created: 7)
        job.metadata = [.init(name: "é", value: "1\n")]
        (job.total, job.completed, job.failed, job.changed) = (9, 4, 1, 12)
        (job.outputFile, job.status) = ("file-2", .cancelled)
        job.faults = [.init(message: "wrong", line: 3), .init(message: "all", line: 0)]
        #expect(BatchJob(kept: job.kept) == job)
        let seen = try JSONParser().parse(job.tree.line).root
        #expect(seen["owner"] == nil && seen["object"]?.string == "batch" && seen["cancelled_at"]?.int == 12)
        let file = ServedFile(id: "f", owner: "o", name: "n", purpose: "batch", bytes: 1, created: 2)
        #expect(ServedFile(kept: file.kept) == file && BatchJob(kept: file.kept) == nil)
        for cut in 0..<job.kept.count { #expect(BatchJob(kept: Array(job.kept[..<cut])) == nil) }
    }

    @Test(arguments: [
        "", "[]", "{}", #"{"custom_id":"","url":"/v1/responses","body":{}}"#,
        #"{"custom_id":"a","url":"/v1/messages","body":{}}"#, #"{"custom_id":"a","url":"/v1/responses","body":1}"#,
        #"{"custom_id":"a","url":"/v1/responses","method":"GET","body":{}}"#,
        #"{"custom_id":"a","url":"/v1/responses","body":{"stream":true}}"#,
    ])
    func aWrongLineIsRefused(line: String) {
        #expect(throws: ClientError.self) { try BatchLine(Array(line.utf8), endpoint: "/v1/responses", JSONParser()) }
    }

    @Test func aLineKeepsItsBody() throws {
        let text = #"{"body": {"a" : 1.50},"url":"/v1/responses","custom_id":"x","method":"POST"}"#
        let line = try BatchLine(Array(text.utf8), endpoint: "/v1/responses", JSONParser())
        #expect(line.body == Array(#"{"a" : 1.50}"#.utf8) && line.id(in: "b") == Array("b/x".utf8))
    }

    @Test func aShelfIsFoundAgain() throws {
        let folder = try Folder()
        let shelf = try BatchShelf(in: folder.path)
        let file = try shelf.add([1, 2, 3][...], name: "n", purpose: "batch", owner: "anna")
        var job = BatchJob(id: "batch_1", owner: "anna", endpoint: "/v1/responses", inputFile: file.id, created: 7)
        try shelf.keep(job)
        let again = try BatchShelf(in: folder.path)
        #expect(again.file(file.id, of: "anna") == file && again.file(file.id, of: "ben") == nil)
        #expect(again.unfinished == ["batch_1"] && again.files(of: "ben").isEmpty)
        job.status = .completed
        try again.keep(job)
        again.remove(file)
        let last = try BatchShelf(in: folder.path)
        #expect(last.unfinished.isEmpty && last.files(of: "anna").isEmpty && last.batches(of: "anna") == [job])
    }
}
