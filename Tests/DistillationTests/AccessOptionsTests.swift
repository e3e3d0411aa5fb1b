import Basics
import RunTestSupport
import Testing

@testable import Dataset
@testable import Distillation

@Suite struct AccessOptionsTests {
    private func headers(_ arguments: [String], _ environment: [String: String]) throws -> [String] {
        try settings(["in", "--out", "o", "--model", "m"] + arguments, environment: environment).headers
            .map { "\($0.name): \($0.value)" }
    }

    @Test func headersOfTheCommandLine() throws {
        let own = ["--base-url", "http://h/v1"]
        #expect(
            try headers(own + ["--header", "HTTP-Referer: https://a.b", "--header", "X-Title:t, u"], [:])
                == ["HTTP-Referer: https://a.b", "X-Title: t, u"])
        #expect(try headers(own + ["--header", "api-key: env:AZ"], ["AZ": "k"]) == ["api-key: k"])
        // A given credential replaces the usual one, so that no other key is sent.
        #expect(
            try headers(
                ["--header", "Authorization: Bearer env:GATE"], ["GATE": "g", "OPENAI_API_KEY": "k"])
                == ["Authorization: Bearer g"])
        #expect(
            try headers(own + ["--header", "X-Team: env:TEAM"], ["TEAM": "blue", "OPENAI_API_KEY": "k"])
                == ["X-Team: blue", "Authorization: Bearer k"])
    }

    @Test(arguments: [
        "Authorization: Bearer sk-abc", "api-key: 0123456789", "X-API-Key: abc", "Cookie: a=b", "x-goog-api-key: AIzaX",
        "X-Auth-Token: abc", "Proxy-Authorization: Basic abc", "Ocp-Apim-Subscription-Key: abc", "X-Title: sk-abcdef",
        "X-Forwarded: Bearer abc",
    ])
    func aSecretOnTheCommandLineIsRefusedWithoutBeingRepeated(header: String) throws {
        let error = try #require(
            failure { _ = try headers(["--base-url", "http://h", "--header", header], [:]) })
        #expect(error.code == .usage && error.remedy?.contains("env:VARIABLE") == true)
        let value = header.split(separator: " ").last ?? ""
        #expect(!error.description.contains(value) || value.count <= 3)
    }

    @Test(arguments: [
        "novalue", ": v", "bad name: v", "Content-Length: 4", "Transfer-Encoding: chunked", "", "X\n: v",
        "Connection: close",
        "Accept-Encoding: br",
    ])
    func headersThatCannotBeSentAreRefused(header: String) throws {
        let error = try #require(failure { _ = try headers(["--base-url", "http://h", "--header", header], [:]) })
        #expect(error.code == .usage && error.remedy != nil)
    }

    @Test func aVariableThatIsNotSetIsNamed() throws {
        let error = try #require(
            failure { _ = try headers(["--base-url", "http://h", "--header", "api-key: env:NOPE"], [:]) })
        #expect(error.code == .configuration && error.message.contains("NOPE"))
    }

    @Test func azureTakesItsOwnKey() throws {
        let url = ["--base-url", "https://r.openai.azure.com/openai/deployments/d?api-version=2024-10-21"]
        #expect(try headers(url, ["AZURE_OPENAI_API_KEY": "a", "OPENAI_API_KEY": "k"]) == ["api-key: a"])
        #expect(try headers(url, ["AZURE_OPENAI_AD_TOKEN": "t"]) == ["Authorization: Bearer t"])
        #expect(try headers(url, ["OPENAI_API_KEY": "k"]) == ["api-key: k"])
        let services = ["--base-url", "https://r.services.ai.azure.com/openai/v1"]
        #expect(try headers(services, ["AZURE_OPENAI_API_KEY": "a"]) == ["api-key: a"])
        let error = try #require(failure { _ = try headers(url, [:]) })
        #expect(error.cause == "AZURE_OPENAI_API_KEY is not set")
        // No other host receives that key.
        #expect(
            try headers([], ["AZURE_OPENAI_API_KEY": "a", "OPENAI_API_KEY": "k"]) == ["Authorization: Bearer k"])
    }

    @Test func organisationAndProject() throws {
        let names = ["OPENAI_API_KEY": "k", "OPENAI_ORG_ID": "org", "OPENAI_PROJECT_ID": "proj"]
        #expect(
            try headers([], names)
                == ["Authorization: Bearer k", "OpenAI-Organization: org", "OpenAI-Project: proj"])
        let messages = try headers(["--endpoint", "messages"], names.merging(["ANTHROPIC_API_KEY": "a"]) { $1 })
        #expect(messages == ["x-api-key: a", "anthropic-version: 2023-06-01"])
        #expect(throws: RetortError.self) { try headers([], ["OPENAI_ORG_ID": "org"]) }
    }

    @Test func theSameBaseURLTwiceIsOne() throws {
        let twice = ["in", "--out", "o", "-m", "m", "--base-url", "http://a/v1", "--base-url", "http://a/v1"]
        #expect(try settings(twice, environment: [:]).servers.count == 1)
    }

    @Test(arguments: [
        (["--base-url", "http://a/v1,http://b/v1"], "comma"), (["--base-url", "localhost:8000/v1"], "no scheme"),
        (["--base-url", "https://h/v1?key=AIzaSECRET"], "parameter key"),
        (["--base-url", "https://h/v1?api_key=abcdefgh"], "parameter api_key"),
    ])
    func baseURLsThatCannotBeMeantAreRefused(arguments: [String], word: String) throws {
        let error = try #require(failure { _ = try headers(arguments, ["OPENAI_API_KEY": "k"]) })
        #expect(error.message.contains(word), "\(error)")
        #expect(!error.description.contains("SECRET") && !error.description.contains("abcdefgh"))
    }

}
