import Basics

/// The parts of a URL, as far as they can be found without a library. Never fails.
package struct ServerAddress {
    /// Lower case; empty if missing.
    package let scheme: String
    /// Lower case, without user, password and port.
    package let host: String
    /// Nil if there is none.
    package let port: UInt16?
    package let path: String
    package let parameters: [(name: String, value: String)]

    package init(_ url: String) {
        let schemeEnd = url.firstRange(of: "://")
        scheme = schemeEnd.map { url[..<$0.lowerBound].lowercased() } ?? ""
        let rest = url[(schemeEnd?.upperBound ?? url.startIndex)...].prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let hostAndPort = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? authority
        let isIPv6 = hostAndPort.hasPrefix("[")
        host = hostAndPort.prefix { isIPv6 ? $0 != "]" : $0 != ":" }.lowercased() + (isIPv6 ? "]" : "")
        port = hostAndPort.lastIndex(of: ":").flatMap { UInt16(hostAndPort[hostAndPort.index(after: $0)...]) }
        let pathAndQuery = rest[authority.endIndex...]
        path = String(pathAndQuery.prefix { $0 != "?" })
        parameters = pathAndQuery.drop { $0 != "?" }.dropFirst().split(separator: "&").map { pair in
            let equals = pair.firstIndex(of: "=") ?? pair.endIndex
            return (String(pair[..<equals]), String(pair[equals...].dropFirst()))
        }
    }

    private static let azureHosts = [".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com"]

    /// Whether it is Azure OpenAI: by its host, or behind a gateway by the path that only Azure has.
    package var isAzure: Bool {
        Self.azureHosts.contains { host.hasSuffix($0) } || path.contains("/openai/deployments/")
    }
}
