import ModelAPI
import Testing

@testable import Dataset
@testable import Distillation

@Suite struct SecretsTests {
    private let secrets = Secrets(
        environment: [
            "OPENAI_API_KEY": "sk-abcdef0123456789", "DB_PASSWORD": "pa\"ss/wörd", "NUMBER_TOKEN": "1234567890",
            "HOME": "/home/somebody", "SSH_AUTH_SOCK": "/run/user/1000/agent", "SHORT_KEY": "abc",
            "LANGUAGE": "en_GB.UTF-8",
            "https_proxy": "http://user:proxypassword@proxy:3128",
        ],
        headers: [("X-Gate", "Bearer gatesecret")])

    private func blotted(_ text: String) -> String { secrets.blotted(text) }

    @Test(arguments: [
        ("key sk-abcdef0123456789.", "key *******************."),
        ("sk-abcdef0123456789sk-abcdef0123456789", String(repeating: "*", count: 38)),
        (#"{"e":"pa\"ss\/wörd"}"#, #"{"e":"*************"}"#),
        (#"{"e":"\u0073k-abcdef\u0030123456789"}"#, #"{"e":"*****************************"}"#),
        (#"{"e":"pa\"ss/w\u00f6rd"}"#, #"{"e":"****************"}"#),
        (#"w\u00f6rd \ud83d\ude00"#, #"w\u00f6rd \ud83d\ude00"#),
        (#"{"n":1234567890}"#, #"{"n":1111111111}"#), ("via proxypassword", "via *************"),
        ("/home/somebody /run/user/1000/agent abc en_GB.UTF-8", "/home/somebody /run/user/1000/agent abc en_GB.UTF-8"),
        ("sk-abcdef012345678", "sk-abcdef012345678"), ("", ""), (#"\u00"#, #"\u00"#), (#"\u0073k-"#, #"\u0073k-"#),
    ])
    func secretsAreBlottedOut(text: String, expected: String) { #expect(blotted(text) == expected) }

    @Test func headersThatCameFromAVariableOfAnyName() {
        let secrets = Secrets(environment: ["GATE": "opensesame"], headers: [("X-Gate", "opensesame")])
        #expect(secrets.blotted("say opensesame") == "say **********")
        #expect(Secrets(environment: ["GATE": "opensesame"]).isEmpty)
    }

    /// A server cannot know these, and an answer may contain them.
    @Test func wordsAndDirectoriesAreNoSecrets() {
        let environment = [
            "POSTGRES_PASSWORD": "postgres", "DB_PASSWORD": "password", "PWD": "/srv/project",
            "OLDPWD": "/srv/other",
        ]
        #expect(Secrets(environment: environment).isEmpty)
        #expect(!Secrets(environment: environment, headers: [("X-Key", "postgres")]).isEmpty)
    }

    @Test func overlappingSecretsAreBothBlottedOut() {
        let secrets = Secrets(environment: [
            "A_KEY": "abcdefgh12345678", "B_KEY": "12345678-ijklmnop", "C_KEY": "5678-ijk",
        ])
        #expect(secrets.blotted("x abcdefgh12345678-ijklmnop y") == "x \(String(repeating: "*", count: 25)) y")
        #expect(secrets.blotted("<5678-ijk>") == "<********>")
    }

    /// Each position in texts of many lengths, next to parts of the secret.
    @Test func everyPlaceIsFound() {
        for before in 0..<40 {
            for after in 0..<3 {
                let noise = String("sk-abcdef012345678sk-abcdef01234567".prefix(before))
                let text = noise + "sk-abcdef0123456789" + String(repeating: "9", count: after)
                #expect(!blotted(text).contains("sk-abcdef0123456789"), "\(before) \(after)")
                #expect(blotted(text).utf8.count == text.utf8.count)
            }
        }
    }

    @Test(arguments: [
        "AZURE_OPENAI_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "GITHUB_PAT", "x-api-key",
    ])
    func namesOfSecrets(name: String) { #expect(SecretNames.isSecret(name)) }

    @Test(arguments: [
        "PATH", "HOME", "SSH_AUTH_SOCK", "TOKENIZERS_PARALLELISM", "HF_TOKEN_PATH", "AWS_PROFILE", "KEYBOARD",
    ])
    func namesOfOtherThings(name: String) { #expect(!SecretNames.isSecret(name)) }

    @Test func repliesAndFailuresAreBlotted() async throws {
        struct Echo: ModelTransport {
            func send(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure> {
                request.path == "/fail"
                    ? .failure(TransportFailure(.tls, "refused: sk-abcdef0123456789"))
                    : .success(ModelReply(status: 401, body: request.body))
            }
        }
        let transport = secrets.guarding(Echo())
        let body = Array("x sk-abcdef0123456789".utf8)
        let reply = try await transport.send(ModelRequest(path: "/x", body: body)).get()
        #expect(String(decoding: reply.body, as: UTF8.self) == "x *******************")
        guard case .failure(let failure) = await transport.send(ModelRequest(path: "/fail", body: [])) else { return }
        #expect(failure.message == "refused: *******************")
        #expect(Secrets.none.guarding(Echo()) is Echo)
    }
}
