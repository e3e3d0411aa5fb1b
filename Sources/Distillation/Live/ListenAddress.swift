package import Basics
package import CommandLine

/// `HOST:PORT` or a port alone, and the token of the server.
package struct ListenAddress: Sendable, Hashable {
    package var host: String
    package var port: UInt16
    package var token: String?

    package static let tokenBytesMin = 16

    package init(_ text: String, option: String = "listen") throws(RetortError) {
        let colon = text.lastIndex(of: ":")
        let name = colon.map { String(text[..<$0]) } ?? "127.0.0.1"
        let isBracketed = name.hasPrefix("[") && name.hasSuffix("]")
        host = isBracketed ? String(name.dropFirst().dropLast()) : name
        guard let port = UInt16(colon.map { String(text[text.index(after: $0)...]) } ?? text), !host.isEmpty,
            isBracketed || !host.contains(":")
        else {
            throw RetortError(
                .usage, "not an address to listen on", at: "--\(option) \(text)",
                remedy: "Give a numeric address and a port, such as 127.0.0.1:7788 or [::1]:7788.")
        }
        self.port = port
    }

    /// The address given on the command line; nil: none.
    package static func given(_ command: ParsedCommand) throws(RetortError) -> ListenAddress? {
        let isServers = command.spec.options.contains { $0.name == LiveOptions.serverName }
        let option = isServers ? LiveOptions.serverName : "listen"
        let tokenOption = option + LiveOptions.tokenSuffix
        guard let text = command.stringIfSet(option) else {
            guard !command.isGiven(tokenOption) else {
                throw RetortError(
                    .usage, "--\(tokenOption) is for --\(option)",
                    remedy: "Add --\(option) 127.0.0.1:7788, for example.")
            }
            return nil
        }
        var address = try ListenAddress(text, option: option)
        if let path = command.stringIfSet(tokenOption) { address.token = try ListenAddress.token(in: path) }
        return address
    }

    package static func token(in path: String) throws(RetortError) -> String {
        let text = try TextFile.read(path).split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        let isPlain = text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        guard text.utf8.count >= tokenBytesMin, isPlain else {
            throw RetortError(
                .configuration, "the token is too short or has other letters than visible ASCII", at: path,
                remedy: "Write one line of \(tokenBytesMin) characters or more: openssl rand -hex 16 > \(path)")
        }
        return text
    }
}
