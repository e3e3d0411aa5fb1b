public import Basics
import Glibc
import HTTPServer

/// Serves a run's page, events, metrics and controls: `/`, `/events`, `/state`, `/metrics`, `/control`.
///
/// On loopback every user of the machine may read; a change needs the token. On other addresses everything needs it.
public final class MonitorServer: Sendable {
    public let host: String
    public var port: UInt16 { server.port }
    /// The token that a change needs: `Authorization: Bearer TOKEN`, or `?token=` for pages.
    public let token: String

    private let server: HTTPServer
    private let subscribers: Subscribers
    private let isEnding = Locked(false)
    private let source: any MonitorSource

    /// The time between two events.
    public static let eventInterval = Interval.milliseconds(500)
    /// After this much silence a comment is sent, so that closed connections are noticed.
    private static let silenceMax = Interval.seconds(10)
    /// Maximum bytes of a command.
    private static let commandBytesMax = 4096

    /// Starts serving. If a token is given, reading needs it too, unless the address is on loopback.
    public init(_ source: any MonitorSource, host: String, port: UInt16, token: String?) throws(RetortError) {
        let isLoopback = OriginRule.isLoopback(host)
        guard isLoopback || token != nil else {
            throw RetortError(
                .configuration, "other machines would reach this address", at: "\(host):\(port)",
                remedy: "Listen on 127.0.0.1, or give --listen-token-file with a file that holds a secret.")
        }
        let secret = token ?? Self.randomToken()
        let subscribers = Subscribers()
        let listener = try ListeningSocket(host: host, port: port)
        var configuration = HTTPServer.Configuration()
        configuration.bodyBytesMax = Self.commandBytesMax
        let rule = OriginRule(host: host, port: listener.port)
        configuration.gate = { request in
            if let objection = rule.objection(to: request) { return .text(403, objection) }
            if isLoopback || Self.isAllowed(request, secret) { return nil }
            return .text(401, "a token is needed: Authorization: Bearer TOKEN, or ?token=TOKEN")
        }
        self.host = host
        self.token = secret
        self.source = source
        self.subscribers = subscribers
        server = try HTTPServer(
            configuration, on: listener, routes: Self.routes(source, subscribers, secret))
        WorkThread.start(givesWay: true) { [weak self] in
            while Self.turn(self) { usleep(UInt32(Self.eventInterval.nanoseconds / 1000)) }
        }
    }

    /// The address to open in a browser.
    public var address: String { "http://\(host.contains(":") ? "[\(host)]" : host):\(port)/" }

    /// Sends the last state, then closes.
    public func stop() {
        let isFirst = isEnding.withLock { ending in
            defer { ending = true }
            return !ending
        }
        guard isFirst else { return }
        subscribers.send(Self.event(source.pageState()))
        subscribers.finish()
        // An open page receives its last event within a moment.
        usleep(Self.lastEventMicroseconds)
        server.stop()
    }

    private static let lastEventMicroseconds: UInt32 = 50_000

    private static func randomToken() -> String {
        let digits = Array("0123456789abcdefghijkmnpqrstuvwxyz".unicodeScalars)
        var generator = SystemRandomNumberGenerator()
        var token = ""
        for _ in 0..<24 { token.unicodeScalars.append(digits[Int.random(in: 0..<digits.count, using: &generator)]) }
        return token
    }
}

extension MonitorServer {
    private static func routes(
        _ source: any MonitorSource, _ subscribers: Subscribers, _ token: String
    ) -> [HTTPRoute] {
        [
            HTTPRoute("GET", "/") { _ in page(hasControl: source.control != nil) },
            HTTPRoute("GET", "/state") { _ in .json(source.pageState()) },
            HTTPRoute("GET", "/events") { request in
                // A HEAD request reads no body.
                guard request.method == "GET" else { return .text(200, "") }
                guard let stream = subscribers.add(event(source.pageState())) else {
                    return .text(503, "\(Subscribers.countMax) pages are open already")
                }
                return HTTPResponse(
                    contentType: "text/event-stream", headers: [("cache-control", "no-store")], body: .stream(stream))
            },
            HTTPRoute("GET", "/metrics") { request in
                let format = Exposition.Format(accept: request.header("accept"))
                return HTTPResponse(
                    contentType: format.contentType, body: .bytes(Array(source.metrics().text(format).utf8)))
            },
            HTTPRoute("POST", "/control") { request in
                guard let control = source.control else { return .text(409, "the run is over") }
                guard isAllowed(request, token) else {
                    return .text(401, "a token is needed: it was printed when the run began")
                }
                let reply = control(request.body)
                return .json(reply.json, status: reply.isDone ? 200 : 400)
            },
        ]
    }

    private static func page(hasControl: Bool) -> HTTPResponse {
        HTTPResponse(
            contentType: "text/html; charset=utf-8",
            headers: [
                ("cache-control", "no-store"), ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("x-frame-options", "DENY"),
                (
                    "content-security-policy",
                    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
                        + "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
                ),
            ], body: .bytes(Array(LivePage.text(hasControl: hasControl).utf8)))
    }

    /// Compares in constant time, so that timing reveals nothing of the token.
    static func isAllowed(_ request: HTTPRequest, _ token: String) -> Bool {
        guard let text = request.bearerToken ?? request.queryValue("token") else { return false }
        let given = Array(text.utf8)
        let wanted = Array(token.utf8)
        guard given.count == wanted.count else { return false }
        var difference: UInt8 = 0
        for index in given.indices { difference |= given[index] ^ wanted[index] }
        return difference == 0
    }

    static func event(_ state: [UInt8]) -> [UInt8] { Array("data: ".utf8) + state + Array("\n\n".utf8) }

    /// Sends one event to the pages. False once the server has stopped.
    private static func turn(_ server: MonitorServer?) -> Bool {
        guard let server, !server.isEnding.withLock({ $0 }) else { return false }
        if !server.subscribers.isEmpty { server.subscribers.send(event(server.source.pageState())) }
        return true
    }
}
