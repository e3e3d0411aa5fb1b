package import Basics
package import CommandLine
import Dataset
import Glibc
import HTTPTransport
package import ModelAPI

/// Where requests are sent, and their headers. Keys come only from the environment and are never stored.
package struct AccessOptions {
    /// As the user named it.
    package var baseURL: String { servers.first?.text.url ?? "" }
    package var headers: [(name: String, value: String)] { servers.first?.headers ?? [] }
    /// The server, or several that share the requests.
    package var servers: [Server] = []

    package static let header = OptionSpec(
        "header", kind: .repeated(.string), valueName: "'NAME: VALUE'", summary: "send this header with every request",
        details: """
            Keys and other secrets come from the environment: 'api-key: env:VARIABLE', or 'Authorization: Bearer \
            env:VARIABLE'. A header that authenticates replaces the usual one.
            """, group: "The server")

    package static let options: [OptionSpec] = [
        OptionSpec(
            "provider", kind: .choice(KnownProvider.all.map(\.name)), valueName: "NAME",
            summary: "a known provider: its base URL, endpoint and key variable",
            details: """
                Known are \(KnownProvider.all.map(\.name).joined(separator: ", ")). --base-url and --endpoint take \
                precedence over it.
                """, group: "The server"),
        OptionSpec(
            "key-variable", kind: .string, valueName: "VARIABLE",
            summary: "the variable of the environment that holds the key", group: "The server"),
    ]

    /// The endpoint: as given, else the provider's, else the table's default.
    package static func endpoint(_ command: ParsedCommand) -> RequestBuilder.Endpoint {
        if !command.isGiven("endpoint"), let provider = provider(command) { return provider.endpoint }
        return command.choice("endpoint")
    }

    private static func provider(_ command: ParsedCommand) -> KnownProvider? {
        command.stringIfSet("provider").flatMap(KnownProvider.named)
    }

    /// - Parameter stored: the server that the store's answers came from, used if neither the command line nor the
    ///   environment names one.
    package init(
        _ command: ParsedCommand, endpoint: RequestBuilder.Endpoint, environment: [String: String],
        stored: String? = nil
    ) throws(RetortError) {
        let own = try RequestHeaders(command.strings("header"), environment: environment)
        guard !command.flag("simulate") else { return }
        if command.source(of: "base-url") == .commandLine,
            command.strings("base-url").contains(where: { $0.allSatisfy(\.isWhitespace) })
        {
            throw RetortError(
                .usage, "--base-url is empty", remedy: "Is the variable set that it is made of? Name the API's address."
            )
        }
        let access = endpoint.dialect.access
        let texts = Self.baseURLs(command, access, environment: environment, stored: stored)
        for text in try ServerText.list(texts, at: command.origin(of: "base-url")) {
            try Self.check(text.url)
            var headers = own.headers
            if !own.authenticates {
                let keys = try Self.keys(command, access, text)
                headers += try Credentials(access, keys: keys, baseURL: text.url, environment: environment).headers
            }
            headers += access.headers.filter { !own.names($0.name) }
            servers.append(Server(text: text, headers: headers))
        }
    }

    /// The value; throws `.usage` if there are several servers and `what` supports only one.
    package func single<Value>(_ what: String, _ value: Value) throws(RetortError) -> Value {
        guard servers.count > 1 else { return value }
        throw RetortError(
            .usage, "\(what) has one server, and \(servers.count) are given", at: "--base-url",
            remedy: "Give --base-url once.")
    }

    /// The keys to look for: the named variable, else the provider's own before the usual ones. Throws `.usage` for an
    /// invalid name, without repeating it: it may be the key.
    private static func keys(
        _ command: ParsedCommand, _ access: APIAccess, _ server: ServerText
    ) throws(RetortError) -> [APIAccess.Key]? {
        if let variable = server.keyVariable ?? command.stringIfSet("key-variable") {
            let isName =
                variable.utf8.first.map { !(0x30...0x39).contains($0) } == true
                && variable.unicodeScalars.allSatisfy {
                    $0 == "_" || $0.isASCII && $0.properties.isAlphabetic || ("0"..."9").contains($0)
                }
                && !SecretNames.looksSecret(variable)
            guard isName else {
                throw RetortError(
                    .usage, "--key-variable is not the name of a variable",
                    at: command.origin(of: server.keyVariable == nil ? "key-variable" : "base-url"),
                    remedy: "Put the key into the environment and name the variable: --key-variable MY_API_KEY.")
            }
            return [access.keys(startingWith: variable)[0]]
        }
        let known = provider(command) ?? KnownProvider.at(host: ServerAddress(server.url).host)
        return known?.keyVariable.map { access.keys(startingWith: $0) }
    }

    private static func baseURLs(
        _ command: ParsedCommand, _ access: APIAccess, environment: [String: String], stored: String?
    ) -> [String] {
        // The variable of OpenAI's clients is not used for other providers or for an API with its own variable.
        let isOfClients = command.origin(of: "base-url") == "$OPENAI_BASE_URL"
        if let provider = provider(command),
            isOfClients || command.source(of: "base-url") < command.source(of: "provider")
        {
            return [provider.baseURL]
        }
        if let variable = access.baseURLVariable, !command.isGiven("base-url") || isOfClients {
            return [environment[variable].flatMap { $0.isEmpty ? nil : $0 } ?? stored ?? access.baseURL]
        }
        let given = command.strings("base-url").filter { !$0.isEmpty }
        return given.isEmpty ? [stored ?? access.baseURL] : given
    }

    /// Throws `.configuration` for an address that cannot work or that contains secrets, which belong in the
    /// environment.
    private static func check(_ baseURL: String) throws(RetortError) {
        guard !baseURL.contains(",") else {
            throw RetortError(
                .configuration, "the base URL has a comma", at: ServerNote.withoutSecrets(baseURL),
                remedy: "Give --base-url once for each server.")
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

/// The headers that authenticate the user, from the environment.
package struct Credentials {
    package private(set) var headers: [(name: String, value: String)] = []

    /// Throws `.configuration` if there is no key and the server is not local.
    ///
    /// - Parameter keys: used instead of the API's keys.
    package init(
        _ access: APIAccess, keys named: [APIAccess.Key]? = nil, baseURL: String, environment: [String: String]
    ) throws(RetortError) {
        func header(_ key: APIAccess.Key) -> (name: String, value: String)? {
            environment[key.variable].flatMap { $0.isEmpty ? nil : (key.header, key.prefix + $0) }
        }
        let address = ServerAddress(baseURL)
        let isAzure = address.isAzure && !access.azureKeys.isEmpty
        let keys = named ?? (isAzure ? access.azureKeys : access.keys)
        let key = keys.lazy.compactMap(header).first
        headers = key.map { [$0] } ?? []
        if !isAzure { headers += access.companions.compactMap(header) }
        // A server without TLS is assumed to be the user's own and may need no key.
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
