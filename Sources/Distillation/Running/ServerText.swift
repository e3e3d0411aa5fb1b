package import Basics
import Dataset
package import ResponseGenerator

/// A server in `--base-url`: an address followed by its own settings, as in `https://a.example/v1 key-variable=A_KEY
/// weight=2 concurrency=16 rpm=500`.
package struct ServerText: Sendable, Hashable {
    /// As the user named it.
    package var url: String
    package var keyVariable: String?
    package var weight = 1.0
    package var concurrency: Int?
    package var limits = RateLimits()

    package init(_ url: String) { self.url = url }

    /// Names of a server's own settings, as in files.
    package static let names = ["key-variable", "weight", "concurrency", "rps", "rpm", "tpm"]

    /// The servers that the texts name. A text may name several, each by its address.
    ///
    /// - Parameter place: where the texts are from, for errors, which never repeat secrets in addresses.
    package static func list(_ texts: [String], at place: String?) throws(RetortError) -> [ServerText] {
        var servers: [ServerText] = []
        for text in texts {
            var isFirst = true
            for word in text.split(whereSeparator: \.isWhitespace) {
                let name = word.prefix { $0 != "=" }
                if isFirst || !names.contains(String(name)) && word.contains("://") {
                    servers.append(ServerText(String(word)))
                } else {
                    try servers[servers.count - 1].take(String(name), word.dropFirst(name.count + 1), at: place)
                }
                isFirst = false
            }
        }
        servers = servers.enumerated().filter { !servers[..<$0.offset].contains($0.element) }.map(\.element)
        guard servers.count <= EndpointSettings.countMax else {
            throw RetortError(
                .configuration, "a run can have \(EndpointSettings.countMax) servers, not \(servers.count)", at: place,
                remedy: "Put a load balancer in front of some of them.")
        }
        return servers
    }

    private mutating func take(_ name: String, _ text: Substring, at place: String?) throws(RetortError) {
        func wrong(_ expected: String) -> RetortError {
            RetortError(
                .configuration, "\(name) of the server \(ServerNote.withoutSecrets(url)) is not \(expected)", at: place)
        }
        func number(_ range: ClosedRange<Double>) throws(RetortError) -> Double {
            guard let value = Double(text), range.contains(value) else {
                throw wrong("a number from \(range.lowerBound) to \(range.upperBound)")
            }
            return value
        }
        switch name {
        case "key-variable": keyVariable = String(text)
        case "weight": weight = try number(1 / EndpointSettings.weightMax...EndpointSettings.weightMax)
        case "concurrency":
            guard let count = Int(text), (1...GeneratorConfiguration.concurrencyMax).contains(count) else {
                throw wrong("a number from 1 to \(GeneratorConfiguration.concurrencyMax)")
            }
            concurrency = count
        case "rps": limits.requestsPerSecond = try number(Self.rates)
        case "rpm": limits.requestsPerMinute = try number(Self.rates)
        case "tpm": limits.tokensPerMinute = try number(Self.rates)
        default:
            throw RetortError(
                .configuration,
                "the server \(ServerNote.withoutSecrets(url)) has something behind its address that is "
                    + "no setting of a server", at: place,
                remedy: "A server has \(Self.names.map { "\($0)=..." }.joined(separator: ", ")).")
        }
    }

    private static let rates = 0.001...100_000_000_000.0

    /// The text without secrets in the address.
    package var described: String {
        func plain(_ number: Double) -> String { number == number.rounded() ? String(Int(number)) : "\(number)" }
        var words = [ServerNote.withoutSecrets(url)]
        if let keyVariable { words.append("key-variable=\(keyVariable)") }
        if weight != 1 { words.append("weight=\(plain(weight))") }
        if let concurrency { words.append("concurrency=\(concurrency)") }
        if let rate = limits.requestsPerSecond { words.append("rps=\(plain(rate))") }
        if let rate = limits.requestsPerMinute { words.append("rpm=\(plain(rate))") }
        if let rate = limits.tokensPerMinute { words.append("tpm=\(plain(rate))") }
        return words.joined(separator: " ")
    }
}

/// A server with the headers that authenticate the user.
package struct Server: Sendable {
    package var text: ServerText
    package var headers: [(name: String, value: String)]

    /// The name in messages and records.
    package var name: String { ServerNote.withoutSecrets(text.url) }
}
