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
        let access = endpoint.dialect.access
        baseURL = Self.baseURL(command, access, environment: environment, stored: stored)
        try Self.check(baseURL)
        headers = own.headers
        if !own.authenticates {
            headers += try Credentials(access, baseURL: baseURL, environment: environment).headers
        }
        headers += access.headers.filter { !own.names($0.name) }
    }

    private static func baseURL(
        _ command: ParsedCommand, _ access: APIAccess, environment: [String: String], stored: String?
    ) -> String {
        // The environment's base URL is for OpenAI's clients: an API with a variable of its own is not there.
        if let variable = access.baseURLVariable,
            !command.isGiven("base-url") || command.source(of: "base-url") == .environment
        {
            return environment[variable].flatMap { $0.isEmpty ? nil : $0 } ?? stored ?? access.baseURL
        }
        return command.stringIfSet("base-url") ?? stored ?? access.baseURL
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
    init(_ access: APIAccess, baseURL: String, environment: [String: String]) throws(RetortError) {
        func header(_ key: APIAccess.Key) -> (name: String, value: String)? {
            environment[key.variable].flatMap { $0.isEmpty ? nil : (key.header, key.prefix + $0) }
        }
        let address = ServerAddress(baseURL)
        let isAzure = address.isAzure && !access.azureKeys.isEmpty
        let keys = isAzure ? access.azureKeys : access.keys
        let key = keys.lazy.compactMap(header).first
        headers = key.map { [$0] } ?? []
        if !isAzure { headers += access.companions.compactMap(header) }
        // A server without TLS is one's own; it may not want a key.
        let isOwn = address.scheme == "http"
        guard isOwn || key != nil else {
            let variable = keys.first?.variable ?? ""
            throw RetortError(
                .configuration, "no API key", at: ServerNote.withoutSecrets(baseURL), cause: "\(variable) is not set",
                remedy:
                    "Put the key into the environment: export \(variable)=... (any text, if the server wants none).")
        }
    }
}
