import Basics
import ResponseGenerator
import RunTestSupport
import Testing

@testable import Dataset
@testable import Distillation

@Suite struct ServerTextTests {
    @Test func anAddressAndWhatIsItsOwn() throws {
        let servers = try ServerText.list(
            ["http://a/v1 weight=2 concurrency=16 rps=1.5", "https://b/v1?api-version=1 key-variable=B_KEY http://c"],
            at: nil)
        #expect(servers.map(\.url) == ["http://a/v1", "https://b/v1?api-version=1", "http://c"])
        #expect(servers[0].weight == 2 && servers[0].concurrency == 16 && servers[0].limits.requestsPerSecond == 1.5)
        #expect(servers[1].keyVariable == "B_KEY" && servers[2] == ServerText("http://c"))
        let texts = servers.map(\.described)
        #expect(try ServerText.list([texts.joined(separator: " ")], at: nil) == servers)
    }

    @Test(arguments: [
        "http://a weight=0", "http://a weight=nan", "http://a concurrency=0", "http://a concurrency=x",
        "http://a rps=-1",
        "http://a rpm=", "http://a colour=red", "http://a b", "http://a weight",
    ])
    func whatIsWrongIsNamed(text: String) throws {
        let error = try #require(failure { _ = try ServerText.list([text], at: "--base-url") })
        #expect(error.code == .configuration && error.place == "--base-url")
    }

    @Test func secretsOfAddressesAreNotDescribed() throws {
        let servers = try ServerText.list(["https://user:pass@a/v1?api-version=1&sig=abc"], at: nil)
        #expect(servers[0].described == "https://a/v1?api-version=1")
    }

    @Test func tooManyAreRefused() throws {
        let error = try #require(
            failure { _ = try ServerText.list((0..<65).map { "http://h\($0)/v1" }, at: nil) })
        #expect(error.message.contains("65"))
    }

    @Test func eachServerHasItsKeyAndTheWindowIsThatOfAll() throws {
        let base = ["in", "--out", "o", "--model", "m"]
        let urls = [
            "--base-url", "https://a/v1 key-variable=A_KEY concurrency=10", "--base-url",
            "https://b/v1 key-variable=B_KEY",
        ]
        let keys = ["A_KEY": "first-secret", "B_KEY": "second-secret"]
        let found = try settings(base + urls, environment: keys)
        #expect(found.servers.map { $0.headers.map(\.value) } == [["Bearer first-secret"], ["Bearer second-secret"]])
        #expect(found.generator.endpoints.map(\.concurrency) == [10, 64] && found.generator.concurrency == 74)
        let fixed = try settings(base + urls + ["-c", "20"], environment: keys)
        #expect(fixed.generator.concurrency == 20 && fixed.generator.endpoints.map(\.concurrency) == [10, nil])
        let single = try settings(base + ["--base-url", "http://a/v1"], environment: [:])
        #expect(single.generator.endpoints.isEmpty && single.serverNames.isEmpty)
        let error = try #require(failure { _ = try settings(base + urls, environment: ["A_KEY": "first-secret"]) })
        #expect(error.cause?.contains("B_KEY") == true)
        #expect(found.secrets.isEmpty == false)
    }
}
