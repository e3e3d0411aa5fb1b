package import Basics

/// The headers of `--header`. Secrets are read from the environment: `NAME: env:VARIABLE`.
package struct RequestHeaders {
    package private(set) var headers: [(name: String, value: String)] = []

    /// Headers that describe the framing: set by the transport.
    private static let framing: Set<String> = [
        "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer", "expect",
        "content-encoding", "accept-encoding", "proxy-connection", "http2-settings",
    ]
    /// Headers that replace the usual credentials.
    private static let authenticating: Set<String> = ["authorization", "api-key", "x-api-key", "x-goog-api-key"]
    private static let reference = "env:"

    /// Throws `.usage` for an invalid header or one that contains a secret, `.configuration` for a variable that is not
    /// set. No message contains a value.
    package init(_ texts: [String], environment: [String: String]) throws(RetortError) {
        for text in texts {
            guard let colon = text.firstIndex(of: ":"), colon != text.startIndex else {
                throw Self.wrong("--header has no name and value", nil, "Write --header 'NAME: VALUE'.")
            }
            let name = Self.trimmed(text[..<colon])
            let value = Self.trimmed(text[text.index(after: colon)...])
            guard !name.isEmpty, name.utf8.allSatisfy(Self.isTokenByte) else {
                throw Self.wrong(
                    "the name of a header is not legal", nil,
                    "Letters, digits and hyphens make a name: 'X-Title: VALUE'.")
            }
            guard !Self.framing.contains(name.lowercased()) else {
                throw Self.wrong("the header \(name) cannot be set", name, "The HTTP transport writes it.")
            }
            headers.append((name, try Self.resolved(value, name, environment)))
        }
    }

    /// Whether one of them authenticates.
    package var authenticates: Bool { headers.contains { Self.authenticating.contains($0.name.lowercased()) } }

    package func names(_ name: String) -> Bool { headers.contains { $0.name.lowercased() == name } }

    /// The variables that `texts` refer to.
    package static func variables(of texts: [String]) -> [String] {
        texts.compactMap { text in
            guard let colon = text.firstIndex(of: ":") else { return nil }
            return variable(trimmed(text[text.index(after: colon)...]))?.name
        }
    }

    /// `env:NAME`, optionally after a word such as `Bearer`.
    private static func variable(_ value: String) -> (before: Substring, name: String)? {
        let last = value.split(separator: " ").last ?? ""
        guard last.hasPrefix(reference), last.count > reference.count else { return nil }
        return (value.dropLast(last.count), String(last.dropFirst(reference.count)))
    }

    private static func resolved(
        _ value: String, _ name: String, _ environment: [String: String]
    ) throws(RetortError) -> String {
        if let (before, variable) = variable(value) {
            guard let secret = environment[variable], !secret.isEmpty else {
                throw RetortError(
                    .configuration, "the header \(name) needs the variable \(variable), which is not set",
                    at: "--header", remedy: "Put the value into the environment: export \(variable)=...")
            }
            return before + secret
        }
        guard !SecretNames.isSecret(name), !SecretNames.looksSecret(value) else {
            throw wrong(
                "the header \(name) states a secret", name,
                "Command lines are seen by others and end in logs. Put the value into the environment and name the "
                    + "variable: --header '\(name): env:VARIABLE'.")
        }
        return value
    }

    private static func wrong(_ message: String, _ name: String?, _ remedy: String) -> RetortError {
        RetortError(.usage, message, at: name == nil ? nil : "--header", remedy: remedy)
    }

    private static func trimmed(_ text: Substring) -> String {
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        var text = text.drop(while: isSpace)
        while let last = text.last, isSpace(last) { text.removeLast() }
        return String(text)
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}

/// Names of headers, variables and parameters whose values are secrets.
package enum SecretNames {
    private static let words: Set<String> = [
        "key", "keys", "apikey", "token", "tokens", "secret", "secrets", "password", "passwd", "passphrase", "pass",
        "pwd",
        "credential", "credentials", "auth", "authorization", "cookie", "signature", "sig", "bearer", "pat", "jwt",
    ]
    /// Endings of names without separators between words: `AZUREKEY`, `GITHUBTOKEN`.
    private static let ends = ["apikey", "token", "secret", "password", "passwd", "key"]
    /// Last words of variables that hold a location or a method rather than a secret.
    private static let harmlessEnds: Set<String> = [
        "path", "file", "dir", "directory", "home", "sock", "socket", "url", "uri", "host", "port", "id", "type",
        "mode",
        "command", "cmd", "parallelism", "control", "agent", "method", "limit", "max", "count", "name", "model",
    ]
    /// The shell's own variables: directories, which answers may well name.
    private static let directories: Set<String> = ["pwd", "oldpwd"]
    private static let prefixes = [
        "sk-", "sk_", "pk-", "hf_", "gsk_", "xai-", "ghp_", "gho_", "github_pat_", "glpat-", "AIza", "eyJ", "AKIA",
        "nvapi-",
        "r8_", "pplx-", "fw_", "Bearer ", "Basic ", "bearer ", "basic ", "Token ", "Key ",
    ]

    package static func isSecret(_ name: String) -> Bool {
        if directories.contains(name.lowercased()) { return false }
        let parts = name.lowercased().split { "-_.".contains($0) }.map(String.init)
        guard let last = parts.last, !harmlessEnds.contains(last) else { return false }
        return parts.contains { part in words.contains(part) || ends.contains { part.hasSuffix($0) } }
    }

    /// Whether a value has a form that only keys have.
    package static func looksSecret(_ value: String) -> Bool { prefixes.contains { value.hasPrefix($0) } }
}
