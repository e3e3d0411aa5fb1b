import Basics
import CommandLine
import Glibc
import HTTPTransport
import ModelAPI

/// Where requests go, and the headers that they carry. Keys come from the environment alone and are written nowhere.
struct AccessOptions {
    /// As the user named it.
    var baseURL = ""
    var headers: [(name: String, value: String)] = []

    private static let openAIBaseURL = "https://api.openai.com/v1"
    private static let anthropicBaseURL = "https://api.anthropic.com"
    private static let anthropicVersion = "2023-06-01"

    static let header = OptionSpec(
        "header", kind: .repeated(.string), valueName: "'NAME: VALUE'", summary: "send this header with every request",
        details: """
            Keys and other secrets come from the environment: 'api-key: env:VARIABLE', or 'Authorization: Bearer \
            env:VARIABLE'. A header that authenticates takes the place of the usual one.
            """, group: "The server")

    /// - Parameter stored: where the store's answers came from, for when neither the command line nor the environment
    ///   says otherwise.
    init(
        _ command: ParsedCommand, endpoint: RequestBuilder.Endpoint, environment: [String: String],
        stored: String? = nil
    ) throws(RetortError) {
        let own = try RequestHeaders(command.strings("header"), environment: environment)
        guard !command.flag("simulate") else { return }
        baseURL = Self.baseURL(command, endpoint: endpoint, environment: environment, stored: stored)
        try Self.check(baseURL)
        headers = own.headers
        if !own.authenticates {
            headers += try Credentials(endpoint, baseURL: baseURL, environment: environment).headers
        }
        if endpoint == .messages, !own.names("anthropic-version") {
            headers.append(("anthropic-version", Self.anthropicVersion))
        }
    }

    private static func baseURL(
        _ command: ParsedCommand, endpoint: RequestBuilder.Endpoint, environment: [String: String], stored: String?
    ) -> String {
        let isAnthropic = endpoint == .messages
        if isAnthropic, !command.isGiven("base-url") || command.source(of: "base-url") == .environment {
            return environment["ANTHROPIC_BASE_URL"].flatMap { $0.isEmpty ? nil : $0 } ?? stored ?? anthropicBaseURL
        }
        return command.stringIfSet("base-url") ?? stored ?? openAIBaseURL
    }

    /// Throws `.configuration` for an address that cannot work or that holds what belongs into the environment.
    private static func check(_ baseURL: String) throws(RetortError) {
        guard !baseURL.contains(",") else {
            throw RetortError(
                .configuration, "the base URL has a comma: a run has one base URL",
                at: ServerNote.withoutSecrets(baseURL),
                remedy: "Name one server, or put a load balancer in front of several.")
        }
        let address = ServerAddress(baseURL)
        if let name = address.parameters.map(\.name).first(where: SecretNames.isSecret) {
            throw RetortError(
                .configuration, "the base URL holds a secret: its parameter \(name)",
                at: ServerNote.withoutSecrets(baseURL),
                remedy: "Addresses are written to logs. Put the secret into the environment and send it as a header: "
                    + "--header '\(name): env:VARIABLE'.")
        }
        try HTTPTransport.check(baseURL: baseURL)
    }
}

/// The headers by which an API knows its customer, from the environment.
struct Credentials {
    private(set) var headers: [(name: String, value: String)] = []

    /// Throws `.configuration` when there is no key and the server is not one's own.
    init(
        _ endpoint: RequestBuilder.Endpoint, baseURL: String, environment: [String: String]
    ) throws(RetortError) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let address = ServerAddress(baseURL)
        let variable: String
        if endpoint == .messages {
            variable = "ANTHROPIC_API_KEY"
            if let key = value(variable) {
                headers = [("x-api-key", key)]
            } else if let token = value("ANTHROPIC_AUTH_TOKEN") {
                headers = [("Authorization", "Bearer \(token)")]
            }
        } else if address.isAzure {
            variable = "AZURE_OPENAI_API_KEY"
            if let key = value(variable) {
                headers = [("api-key", key)]
            } else if let token = value("AZURE_OPENAI_AD_TOKEN") {
                headers = [("Authorization", "Bearer \(token)")]
            } else if let key = value("OPENAI_API_KEY") {
                headers = [("api-key", key)]
            }
        } else {
            variable = "OPENAI_API_KEY"
            if let key = value(variable) { headers = [("Authorization", "Bearer \(key)")] }
            if let name = value("OPENAI_ORG_ID") { headers.append(("OpenAI-Organization", name)) }
            if let name = value("OPENAI_PROJECT_ID") { headers.append(("OpenAI-Project", name)) }
        }
        // A server without TLS is one's own; it may not want a key.
        let isOwn = address.scheme == "http"
        guard isOwn || headers.contains(where: { !$0.name.hasPrefix("OpenAI-") }) else {
            throw RetortError(
                .configuration, "no API key", at: ServerNote.withoutSecrets(baseURL), cause: "\(variable) is not set",
                remedy:
                    "Put the key into the environment: export \(variable)=... (any text, if the server wants none).")
        }
    }
}
