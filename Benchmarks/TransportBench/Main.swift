import Basics
import Glibc
import HTTPTransport

/// Measures both of the transport's routes beside `wrk` on the same nginx, in clear text and in TLS, and with many requests
/// in flight on a server that delays.
///
///     transport-bench [--requests 100000] [--in-flight 64,256,1000] [--lane 32] [--delayed 10000] [--wrk 2]
///         [--secure 0]
@main
struct TransportBench {
    static func main() async throws {
        let options = Options(CommandLine.arguments)
        DescriptorLimit.raise()
        let servers = Servers()
        if options.requests > 0 {
            for security in options.security { try await throughput(security, options, servers) }
        }
        if options.delayed > 0 { try await manyInFlight(options, servers) }
    }

    private static func throughput(_ security: Security, _ options: Options, _ servers: Servers) async throws {
        let port = Servers.freePort()
        guard let nginx = servers.startNginx(port: port, security) else {
            print("nginx or openssl is not installed: nothing measured in \(security.rawValue)")
            return
        }
        defer { nginx.terminate() }
        let server = Server(port: port, security: security, trusted: servers.trusted)
        print("\(security.rawValue):")
        print(
            "in flight   client      requests/s   CPU us/request   user us   connections   failures   requests/turn",
            "  RSS MB")
        for inFlight in options.inFlight {
            if options.wrkSeconds > 0, security != .http2,
                let wrk = servers.runWrk(server.baseURL, connections: inFlight, seconds: options.wrkSeconds)
            {
                row(inFlight, "wrk", wrk.rate, wrk.cpu)
            }
            // Over TLS the server's choice decides.
            for route in security == .clear ? Route.allCases : [.own] {
                try await throughput(route, inFlight, server, options)
            }
        }
    }

    private static func throughput(_ route: Route, _ inFlight: Int, _ server: Server, _ options: Options) async throws {
        let (loop, transport) = try start(route, server, options)
        _ = await runWindow(transport, on: loop, count: 2 * inFlight, inFlight: inFlight)
        let turnsBefore = loop.health.turns
        let cost = await runWindow(transport, on: loop, count: options.requests, inFlight: inFlight)
        let count = Double(options.requests)
        row(
            inFlight, route.rawValue, count / cost.wallSeconds, cost.cpuSeconds / count * 1e6,
            [
                number(cost.userSeconds / count * 1e6, 10),
                number(Double(transport.statistics.connectionsOpened), 14),
                number(Double(cost.failures), 11),
                number(count / Double(loop.health.turns - turnsBefore), 16, 1),
                number(Double(residentBytes()) / 1_048_576, 9),
            ].joined())
        await transport.shutdown()
        loop.stop()
    }

    private static func manyInFlight(_ options: Options, _ servers: Servers) async throws {
        let port = Servers.freePort()
        guard let server = servers.startDelayed(port: port, seconds: options.delaySeconds) else {
            print("python3 is not installed: nothing measured with a delay")
            return
        }
        defer { server.terminate() }
        for route in Route.allCases { try await manyInFlight(route, port, options) }
    }

    private static func manyInFlight(_ route: Route, _ port: Int, _ options: Options) async throws {
        let (loop, transport) = try start(route, Server(port: port, security: .clear, trusted: ""), options)
        let before = residentBytes()
        let watcher = Task {
            var most = 0
            while !Task.isCancelled {
                most = max(most, residentBytes())
                try? await loop.sleep(until: .now + .milliseconds(100))
            }
            return most
        }
        let rounds = 3
        let count = options.delayed * rounds
        let cost = await runWindow(transport, on: loop, count: count, inFlight: options.delayed)
        watcher.cancel()
        let grown = Double(await watcher.value - before) / Double(options.delayed) / 1024
        print(
            "\(route.rawValue): \(options.delayed) in flight, \(options.delaySeconds) s each, \(rounds) rounds:",
            "\(number(cost.wallSeconds, 0, 2)) s (ideal \(number(options.delaySeconds * Double(rounds), 0, 2)) s),",
            "\(number(grown, 0, 1)) KB a request, \(number(cost.cpuSeconds / Double(count) * 1e6, 0, 1)) us CPU a request,",
            "\(cost.failures) failures")
        await transport.shutdown()
        loop.stop()
    }

    private static func start(
        _ route: Route, _ server: Server, _ options: Options
    ) throws -> (EventLoop, HTTPTransport) {
        let loop = try EventLoop()
        try loop.start()
        var configuration = HTTPTransport.Configuration(
            baseURL: server.baseURL, laneTransfersMax: server.security == .clear ? options.laneTransfersMax : nil)
        if server.security != .clear { configuration.network.certificateFile = server.trusted }
        configuration.usesLibcurlOnly = route == .libcurl
        return (loop, try HTTPTransport(configuration, on: loop))
    }

    private static func row(_ inFlight: Int, _ client: String, _ rate: Double, _ cpu: Double, _ rest: String = "") {
        let name = client + String(repeating: " ", count: max(0, 10 - client.utf8.count))
        print(number(Double(inFlight), 9), " ", name, number(rate, 12), number(cpu, 16, 1), rest)
    }

    /// Right-aligned in `width` columns.
    private static func number(_ value: Double, _ width: Int, _ decimals: Int = 0) -> String {
        let scale = (0..<decimals).reduce(1.0) { product, _ in product * 10 }
        let rounded = (value * scale).rounded() / scale
        let text = decimals == 0 ? "\(Int(rounded))" : "\(rounded)"
        return String(repeating: " ", count: max(0, width - text.utf8.count)) + text
    }
}

/// How the transport gets there.
enum Route: String, CaseIterable {
    case own
    case libcurl
}

/// What the server speaks.
enum Security: String, CaseIterable {
    case clear = "HTTP/1.1 in clear text"
    case http1 = "HTTP/1.1 in TLS"
    case http2 = "HTTP/2 in TLS"
}

/// The server that is measured.
struct Server {
    var port: Int
    var security: Security
    /// A file of the system's certificates and the server's own.
    var trusted: String

    var baseURL: String { "\(security == .clear ? "http" : "https")://127.0.0.1:\(port)/v1" }
}

/// What the command line asks for.
struct Options {
    var requests = 100_000
    var inFlight = [64, 256, 1000]
    var laneTransfersMax = HTTPTransport.Configuration.laneTransfersMaxPlain
    var delayed = 0
    var delaySeconds = 2.0
    var wrkSeconds = 2
    var security: [Security] = [.clear]

    init(_ arguments: [String]) {
        for (flag, value) in zip(arguments.dropFirst(), arguments.dropFirst(2)) {
            switch flag {
            case "--requests": requests = Int(value) ?? requests
            case "--in-flight": inFlight = value.split(separator: ",").compactMap { Int($0) }
            case "--lane": laneTransfersMax = Int(value) ?? laneTransfersMax
            case "--delayed": delayed = Int(value) ?? delayed
            case "--delay": delaySeconds = Double(value) ?? delaySeconds
            case "--secure": security = value == "0" ? [.clear] : [.http1, .http2]
            case "--wrk": wrkSeconds = Int(value) ?? wrkSeconds
            default: continue
            }
        }
    }
}
