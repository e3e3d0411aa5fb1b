internal import Basics
internal import CCurl

/// The head of every request: request line and headers (RFC 9112, 3), in the order in which curl sends them.
struct RequestHead {
    private let baseURL: BaseURL
    /// The head after the request target, up to the body's length.
    private let afterTarget: [UInt8]
    /// Request targets by path: a run has one or two.
    private var beginnings: [String: [UInt8]] = [:]

    init(_ configuration: TransportConfiguration, _ baseURL: BaseURL) {
        self.baseURL = baseURL
        var headers: [(name: String, value: String)] = []
        if !configuration.hasHeader("Host") { headers.append(("Host", baseURL.hostHeader)) }
        if !configuration.hasHeader("Accept") { headers.append(("Accept", "*/*")) }
        headers += configuration.requestHeaders
        let lines = headers.map { $0.value.isEmpty ? "\($0.name):" : "\($0.name): \($0.value)" }
        afterTarget = Array((" HTTP/1.1\r\n" + lines.joined(separator: "\r\n") + "\r\nContent-Length: ").utf8)
    }

    /// Appends the head of a POST, or of a GET if there is no body; nothing if the path is invalid.
    mutating func write(
        path: String, headers: [(name: String, value: String)] = [], bodyBytes: Int, to head: inout [UInt8]
    ) {
        guard let beginning = bodyBytes > 0 ? beginning(path) : made("GET", path) else { return }
        head += beginning
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var first = digits.count
            var rest = bodyBytes
            repeat {
                first -= 1
                digits[first] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            } while rest > 0
            head += UnsafeBufferPointer(rebasing: digits[first...])
        }
        for header in headers { head += "\r\n\(header.name): \(header.value)".utf8 }
        head += [0x0D, 0x0A, 0x0D, 0x0A]
    }

    private mutating func beginning(_ path: String) -> [UInt8]? {
        if let known = beginnings[path] { return known }
        guard let made = made("POST", path) else { return nil }
        if beginnings.count >= RequestHead.pathsMax { beginnings.removeAll() }
        beginnings[path] = made
        return made
    }

    private func made(_ method: String, _ path: String) -> [UInt8]? {
        baseURL.target(path).map { Array("\(method) \($0)".utf8) + afterTarget }
    }

    /// Maximum paths whose heads are cached.
    private static let pathsMax = 16
}
