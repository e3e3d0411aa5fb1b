import Basics
import Glibc
import HTTPTransport
import ModelAPI
import Testing

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

/// A scripted server and a transport that talks to it: first over connections of our own, then through libcurl, with a
/// new server. Both must behave alike.
func withServer(
    _ script: @escaping ScriptedServer.Script,
    configure: (inout HTTPTransport.Configuration) -> Void = { _ in },
    run body: (HTTPTransport, ScriptedServer) async throws -> Void
) async throws {
    for usesLibcurlOnly in [false, true] {
        let server = ScriptedServer(script)
        defer { server.stop() }
        var configuration = HTTPTransport.Configuration(baseURL: server.baseURL)
        configuration.usesLibcurlOnly = usesLibcurlOnly
        configure(&configuration)
        try await withTransport(configuration) { transport, _ in try await body(transport, server) }
    }
}

/// Makes one exchange and compares the body.
func expect(
    _ text: String, from transport: HTTPTransport, to request: ModelRequest = anyRequest,
    _ location: SourceLocation = #_sourceLocation
) async throws {
    let reply = try await transport.send(request).get()
    #expect(reply.text == text, sourceLocation: location)
}

extension Result where Success == ModelReply, Failure == TransportFailure {
    var failure: TransportFailure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}

extension ModelReply {
    var text: String { String(decoding: body, as: UTF8.self) }
}

/// Runs a program to its end; nil if there is none of that name.
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
