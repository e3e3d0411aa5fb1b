internal import Basics
internal import Glibc

/// Requests leases from a limiter. Used by one thread.
protocol LeaseExchange: AnyObject {
    /// Throws `.io` if the limiter cannot be reached now, and another code if retrying is useless.
    func lease(_ request: LeaseRequest) throws(RetortError) -> Lease
}

/// Requests leases from a server, over one connection that is reopened when it breaks.
final class ServerExchange: LeaseExchange {
    private var host = ""
    private var port = ""
    /// Read for the server's address at each connection; nil: the address is fixed.
    private let addressFile: String?
    private let token: String
    private var descriptor: Int32 = -1

    static let timeout = Interval.seconds(3)

    init(host: String, port: String, token: String) {
        (self.host, self.port, self.token) = (host, port, token)
        addressFile = nil
    }

    init(addressFile: String, token: String) {
        (self.addressFile, self.token) = (addressFile, token)
    }

    private func connect() throws(RetortError) {
        if let addressFile {
            let text = try TextFile.read(addressFile)
            let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
            guard case .server(let host, let port)? = try? LimitAddress(line) else {
                throw RetortError(.io, "the file does not say where the limiter is", at: addressFile)
            }
            (self.host, self.port) = (host, port)
        }
        descriptor = try LimitSocket.connected(host: host, port: port, timeout: Self.timeout)
    }

    deinit { disconnect() }

    private func disconnect() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    func lease(_ request: LeaseRequest) throws(RetortError) -> Lease {
        do throws(RetortError) {
            if descriptor < 0 { try connect() }
            try send(LeaseWire.line(request, token: token))
            return try LeaseWire.lease(try receive())
        } catch {
            // A late reply would be taken for the answer to another request.
            disconnect()
            throw error
        }
    }

    private func send(_ line: [UInt8]) throws(RetortError) {
        var sent = 0
        while sent < line.count {
            let count = line.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .system(errno, "send", "\(host):\(port)") }
            sent += count
        }
    }

    private func receive() throws(RetortError) -> [UInt8] {
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: LeaseWire.lineBytesMax)
        while line.last != 0x0A {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            if count == 0 { throw RetortError(.io, "the limiter has closed the connection", at: "\(host):\(port)") }
            guard count > 0 else { throw .system(errno, "recv", "\(host):\(port)") }
            line.append(contentsOf: buffer[..<count])
            guard line.count <= LeaseWire.lineBytesMax else {
                throw RetortError(.io, "the limiter's answer has no end", at: "\(host):\(port)")
            }
        }
        return line
    }
}
