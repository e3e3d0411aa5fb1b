import Basics
import Glibc
import HTTPTransport
import ModelAPI
import Testing

/// For connections that should succeed: a machine busy with many tests may take long for one.
let patientConnect = Interval.seconds(45)

let anyRequest = ModelRequest(path: "/chat/completions", body: Array(#"{"model":"m"}"#.utf8))

/// A running loop for the time of `body`.
func withLoop<Value>(_ body: (EventLoop) async throws -> Value) async throws -> Value {
    let loop = try EventLoop()
    try loop.start()
    defer { loop.stop() }
    return try await body(loop)
}

/// A transport of the given configuration on a loop of its own.
func withTransport<Value>(
    _ configuration: HTTPTransport.Configuration, _ body: (HTTPTransport, EventLoop) async throws -> Value
) async throws -> Value {
    try await withLoop { loop in
        let transport = try HTTPTransport(configuration, on: loop)
        do {
            let value = try await body(transport, loop)
            await transport.shutdown()
            return value
        } catch {
            await transport.shutdown()
            throw error
        }
    }
}

/// How a transport makes its exchanges.
enum Way: CaseIterable {
    /// Over connections of our own, in clear text or in TLS.
    case clear, secure
    /// Through libcurl, in clear text.
    case libcurl

    /// Those that this machine supports.
    static let all = allCases.filter { $0 != .secure || ServerIdentity.shared != nil }
    static let own = all.filter { $0 != .libcurl }
}

/// A scripted server and a transport to it, on each route with a new server. All must behave alike.
func withServer(
    in ways: [Way] = Way.all, _ script: @escaping ScriptedServer.Script,
    configure: (inout HTTPTransport.Configuration) -> Void = { _ in },
    run body: (HTTPTransport, ScriptedServer) async throws -> Void
) async throws {
    for way in ways {
        let identity = way == .secure ? ServerIdentity.shared : nil
        let server = ScriptedServer(as: identity, script)
        defer { server.stop() }
        var configuration = HTTPTransport.Configuration(baseURL: server.baseURL)
        configuration.usesLibcurlOnly = way == .libcurl
        configuration.timeouts.connect = patientConnect
        if let identity { configuration.network.certificateFile = identity.trusted }
        configure(&configuration)
        try await withTransport(configuration) { transport, _ in try await body(transport, server) }
    }
}

/// Performs one exchange and compares the body.
func expect(
    _ text: String, from transport: HTTPTransport, to request: ModelRequest = anyRequest,
    _ location: SourceLocation = #_sourceLocation
) async throws {
    let reply = try await transport.send(request).get()
    #expect(reply.text == text, sourceLocation: location)
}

/// Sends `count` requests, each with a number that the server repeats. Returns how many answers were their own, how
/// many another's, and how many had no such text. A failed request is sent again, maximum `attempts` times in all.
func attributed(_ transport: HTTPTransport, count: Int, inFlight: Int, attempts: Int = 1) async -> (
    shifted: Int, good: Int, damaged: Int
) {
    await withTaskGroup(of: (Int, Int, Int).self) { group in
        for lane in 0..<inFlight {
            group.addTask {
                var result = (shifted: 0, good: 0, damaged: 0)
                for number in stride(from: lane, to: count, by: inFlight) {
                    let request = ModelRequest(path: "/x", body: Array("number \(number)".utf8))
                    for _ in 0..<attempts {
                        guard case .success(let reply) = await transport.send(request) else { continue }
                        if reply.text == "number \(number)" {
                            result.good += 1
                        } else if reply.text.hasPrefix("number "), Int(reply.text.dropFirst(7)) != nil {
                            result.shifted += 1
                        } else {
                            result.damaged += 1
                        }
                        break
                    }
                }
                return result
            }
        }
        return await group.reduce((0, 0, 0)) { ($0.0 + $1.0, $0.1 + $1.1, $0.2 + $1.2) }
    }
}

extension Result where Success == ModelReply, Failure == TransportFailure {
    var failure: TransportFailure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}

extension ModelReply {
    var text: String { String(decoding: body, as: UTF8.self) }
}

/// Runs a program to its end; nil if it does not exist.
func run(_ arguments: String...) -> Int32? { runAll(arguments) }

func runAll(_ arguments: [String]) -> Int32? {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // Threads of the task pool block signals, and a child would inherit that.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var noSignals = sigset_t()
    sigemptyset(&noSignals)
    posix_spawnattr_setsigmask(&attributes, &noSignals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    for output in [STDOUT_FILENO, STDERR_FILENO] {
        posix_spawn_file_actions_addopen(&actions, output, "/dev/null", O_WRONLY, 0)
    }
    var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    var id = pid_t()
    guard posix_spawnp(&id, arguments[0], &actions, &attributes, &pointers, environ) == 0 else { return nil }
    var status: Int32 = 0
    while waitpid(id, &status, 0) < 0 && errno == EINTR {}
    return status >> 8 & 0xFF
}
