import Basics
import Glibc
import Testing

@testable import RunMonitor

@Suite("The socket of a run")
struct ControlSocketTests {
    private func folder(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/retort-control-XXXXXX".utf8CString)
        let path = try #require(mkdtemp(&template).map { String(cString: $0) })
        // Longer than the address of a socket may be.
        let deep = path + "/" + String(repeating: "d", count: 150)
        mkdir(deep, 0o755)
        defer {
            unlink("\(deep)/\(ControlSocket.name)")
            rmdir(deep)
            rmdir(path)
        }
        try body(deep)
    }

    private func mode(_ path: String) -> UInt32? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode : nil
    }

    private let echo: ControlSocket.Handler = { ControlReply(isDone: true, json: $0) }

    @Test("commands get their replies; the socket is the user's alone and goes with the run")
    func exchange() throws {
        try folder { folder in
            let socket = try ControlSocket(in: folder, echo)
            #expect(mode("\(folder)/\(ControlSocket.name)") == S_IFSOCK | 0o600)
            for text in ["{}", String(repeating: "x", count: 10_000)] {
                #expect(try ControlClient.send(Array(text.utf8), to: folder) == Array(text.utf8))
            }
            socket.stop()
            socket.stop()
            #expect(mode("\(folder)/\(ControlSocket.name)") == nil)
            #expect(throws: RetortError.self) { try ControlClient.send([0x7B], to: folder) }
        }
    }

    @Test("a socket that a killed run left is replaced; anything else of that name is not")
    func stale() throws {
        try folder { folder in
            let place = try LocalSocket(in: folder, name: ControlSocket.name)
            let left = LocalSocket.make()
            #expect(place.withAddress { bind(left, $0, $1) } == 0)
            close(left)
            place.close()
            #expect(throws: RetortError.self) { try ControlClient.send([0x7B], to: folder) }
            let socket = try ControlSocket(in: folder, echo)
            #expect(try ControlClient.send([0x7B], to: folder) == [0x7B])
            socket.stop()
            close(open("\(folder)/\(ControlSocket.name)", O_CREAT | O_WRONLY, 0o644))
            #expect(throws: RetortError.self) { try ControlSocket(in: folder, echo) }
            #expect(mode("\(folder)/\(ControlSocket.name)") == S_IFREG | 0o644)
        }
    }

    @Test("a peer that says nothing, or too much, holds nobody up for long")
    func rudePeers() throws {
        try folder { folder in
            let socket = try ControlSocket(in: folder, echo)
            defer { socket.stop() }
            let place = try LocalSocket(in: folder, name: ControlSocket.name)
            defer { place.close() }
            let silent = LocalSocket.make()
            defer { close(silent) }
            #expect(place.withAddress { connect(silent, $0, $1) } == 0)
            let endless = LocalSocket.make()
            defer { close(endless) }
            #expect(place.withAddress { connect(endless, $0, $1) } == 0)
            SocketLine.write([UInt8](repeating: 0x78, count: 100_000), to: endless, within: .milliseconds(100))
            #expect(try ControlClient.send([0x7B], to: folder) == [0x7B])
        }
    }
}
