import Basics
import Testing

@testable import HTTPTransport

@Suite struct ConfigurationTests {
    @Test(arguments: [
        ("http://localhost:8000/v1", "http://localhost:8000/v1/x", "localhost:8000"),
        ("http://localhost:8000/v1/", "http://localhost:8000/v1/x", "localhost:8000"),
        ("https://api.example.com", "https://api.example.com/x", "api.example.com:443"),
        ("HTTP://h", "HTTP://h/x", "h:80"),
        ("https://h/a/b?api-version=3", "https://h/a/b/x?api-version=3", "h:443"),
        ("http://[::1]:9", "http://[::1]:9/x", "[::1]:9"),
    ])
    func joinsPaths(base: String, joined: String, authority: String) throws {
        let url = try BaseURL(base)
        #expect(url.joined("/x") == joined)
        #expect(url.authority == authority)
    }

    @Test(arguments: [
        "", "api.example.com/v1", "ftp://h/v1", "http://", "http://h:99999", "http://u:secret@h/v1", "http://h/v1#x",
        "http://h/a b", "localhost:8000",
    ])
    func refusesAddressesThatCannotWork(base: String) throws {
        let error = try #require(throws: RetortError.self) { try BaseURL(base) }
        #expect(error.code == .configuration)
        #expect(error.remedy != nil)
        #expect(!error.description.contains("secret"))
    }

    @Test func refusesHeadersThatWouldBreakTheRequestWithoutTellingTheirValue() throws {
        for header in [("Authorization", "Bearer sk-1\n"), ("Bad Name", "sk-1"), ("", "sk-1"), ("X", "a\u{0}sk-1")] {
            let configuration = HTTPTransport.Configuration(baseURL: "http://h", headers: [header])
            let error = try #require(throws: RetortError.self) { try configuration.validate() }
            #expect(error.code == .configuration)
            #expect(!error.description.contains("sk-1"))
        }
    }

    @Test func refusesTimesAndLimitsBelowOne() {
        var configuration = HTTPTransport.Configuration(baseURL: "http://h")
        #expect(throws: Never.self) { try configuration.validate() }
        configuration.timeouts.stalled = .zero
        #expect(throws: RetortError.self) { try configuration.validate() }
        configuration.timeouts = .init()
        configuration.responseBytesMax = 0
        #expect(throws: RetortError.self) { try configuration.validate() }
    }

    @Test func readsTheEnvironmentAsCurlUsersExpect() {
        var network = HTTPTransport.Network(environment: [
            "http_proxy": "p1:1", "HTTP_PROXY": "attacker:1", "HTTPS_PROXY": "p2:2", "ALL_PROXY": "p3:3",
            "NO_PROXY": "localhost", "SSL_CERT_FILE": "/a", "CURL_CA_BUNDLE": "/b", "SSL_CERT_DIR": "/d",
        ])
        #expect(network.proxy(secure: false) == "p1:1")
        #expect(network.proxy(secure: true) == "p2:2")
        #expect(network.noProxy == "localhost")
        #expect(network.certificateFile == "/b")
        #expect(network.certificateDirectory == nil)

        network = HTTPTransport.Network(environment: [
            "HTTP_PROXY": "attacker:1", "all_proxy": "p3:3", "CURL_CA_BUNDLE": "", "SSL_CERT_DIR": "/d",
        ])
        #expect(network.httpProxy == "p3:3")
        #expect(network.httpsProxy == "p3:3")
        #expect(network.certificateFile == nil)
        #expect(network.certificateDirectory == "/d")
        #expect(HTTPTransport.Network(environment: [:]) == HTTPTransport.Network())
    }

    @Test func namesACertificateFileThatIsNotThere() throws {
        let network = HTTPTransport.Network(environment: ["SSL_CERT_FILE": "/nonexistent/ca.pem"])
        let error = try #require(throws: RetortError.self) { try network.validate() }
        #expect(error.place == "/nonexistent/ca.pem")
    }
}
