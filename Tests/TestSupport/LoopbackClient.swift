import Glibc

/// A blocking HTTP client on one raw socket, so that tests see resets, silences and framing directly.
public final class LoopbackClient {
    public struct Response {
        public var status: Int
        public var headers: [String: String]
        public var body: [UInt8]

        public var text: String { String(decoding: body, as: UTF8.self) }
    }

    public enum Outcome {
        case response(Response)
        /// The peer closed before the response was complete. Everything received so far.
        case closed([UInt8])
        case reset([UInt8])
        /// Nothing arrived within the client's timeout. Everything received so far.
        case silence([UInt8])
        case refused
    }

    private let descriptor: Int32
    private let isConnected: Bool
    private var received: [UInt8] = []

    /// `patienceMilliseconds` is the timeout of a read.
    public init(port: UInt16, patienceMilliseconds: Int = 10_000) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr = in_addr(s_addr: inet_addr("127.0.0.1"))
        var patience = timeval(tv_sec: patienceMilliseconds / 1000, tv_usec: patienceMilliseconds % 1000 * 1000)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let socket = descriptor
        isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    deinit { close(descriptor) }

    public func post(_ path: String, _ body: String, headers: [String] = []) -> Outcome {
        request("POST", path, body, headers: headers)
    }

    public func get(_ path: String) -> Outcome { request("GET", path, "") }

    public func request(_ method: String, _ path: String, _ body: String, headers: [String] = []) -> Outcome {
        send(method, path, body, headers: headers)
        return receive()
    }

    public func send(_ method: String, _ path: String, _ body: String, headers: [String] = []) {
        let lines =
            ["\(method) \(path) HTTP/1.1", "Host: loopback", "Content-Length: \(body.utf8.count)"] + headers
        write(Array((lines.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8))
    }

    public func write(_ bytes: [UInt8]) {
        guard isConnected else { return }
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// The next response on this connection.
    public func receive() -> Outcome {
        guard isConnected else { return .refused }
        while true {
            if let response = takeResponse() { return .response(response) }
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count > 0 {
                received += buffer[..<count]
            } else if count == 0 {
                return .closed(received)
            } else if errno == EAGAIN {
                return .silence(received)
            } else if errno != EINTR {
                return .reset(received)
            }
        }
    }

    private func takeResponse() -> Response? {
        guard let headEnd = received.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound else { return nil }
        let lines = String(decoding: received[..<(headEnd - 4)], as: UTF8.self).split(separator: "\r\n")
        var response = Response(status: Int(lines[0].split(separator: " ")[1]) ?? 0, headers: [:], body: [])
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            response.headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
        }
        if response.headers["transfer-encoding"] == "chunked" {
            guard let end = decodeChunks(from: headEnd, into: &response.body) else { return nil }
            received.removeFirst(end)
            return response
        }
        let length = Int(response.headers["content-length"] ?? "") ?? 0
        guard received.count >= headEnd + length else { return nil }
        response.body = Array(received[headEnd..<headEnd + length])
        received.removeFirst(headEnd + length)
        return response
    }

    /// The position after the last chunk; nil if it has not arrived yet.
    private func decodeChunks(from start: Int, into body: inout [UInt8]) -> Int? {
        var at = start
        body = []
        while let lineEnd = received[at...].firstIndex(of: 0x0D), lineEnd + 2 <= received.count {
            guard let size = Int(String(decoding: received[at..<lineEnd], as: UTF8.self), radix: 16),
                lineEnd + 2 + size + 2 <= received.count
            else { return nil }
            body += received[lineEnd + 2..<lineEnd + 2 + size]
            at = lineEnd + 2 + size + 2
            if size == 0 { return at }
        }
        return nil
    }
}

extension LoopbackClient.Outcome: CustomStringConvertible {
    public var description: String {
        switch self {
        case .response(let response): "response \(response.status)"
        case .closed(let bytes): "closed after \(bytes.count) bytes"
        case .reset(let bytes): "reset after \(bytes.count) bytes"
        case .silence(let bytes): "silence after \(bytes.count) bytes"
        case .refused: "refused"
        }
    }

    /// The response, if it arrived completely.
    public var response: LoopbackClient.Response? {
        if case .response(let response) = self { response } else { nil }
    }
}
