import Basics
import Glibc
import Testing

@testable import Verifiers

/// Attempts of a model's program to escape. Each returns whether it succeeded as the function's value, so a pass is an
/// escape.
@Suite(.enabled(if: Sandboxed.isPossible, "bubblewrap cannot make a sandbox here"))
struct EscapeTests {
    private func escapes(_ code: String, seconds: Double = 20) async throws -> Bool {
        try await Sandboxed.judge(code, seconds: seconds).pass
    }

    /// Runs the program without the sandbox, to show that it is the sandbox that stops it.
    private func control(_ code: String) async throws -> Bool {
        try await Sandboxed.judge(code, mode: .none).pass
    }

    @Test func theNetworkIsClosed() async throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port = try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try #require(bind(listener, $0, length) == 0)
                try #require(getsockname(listener, $0, &length) == 0)
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
        try #require(listen(listener, 8) == 0)
        let code = """
            def f():
                import socket
                return socket.create_connection(("127.0.0.1", \(port)), timeout=5)
            """
        #expect(try await control(code))
        #expect(try await !escapes(code))
    }

    @Test func theHomeFolderAndOtherFilesAreNotThere() async throws {
        let code = """
            def f():
                import os
                seen = [p for p in ["/root", "/home", "/etc/passwd", "/etc/shadow", "/var", "/proc/1/root/root"] if os.path.exists(p)]
                return seen
            """
        #expect(try await control(code))
        #expect(try await !escapes(code))
    }

    @Test func theSystemCannotBeWritten() async throws {
        for path in ["/usr/bin/x", "/usr/local/x", "/lib/x", "/x", "/dev/x", "/etc/x", "/proc/sys/kernel/hostname"] {
            #expect(try await !escapes("def f(): return open('\(path)', 'w').write('x')"), "\(path)")
        }
        #expect(try await escapes("def f(): return open('/tmp/mine', 'w').write('x')"))
    }

    @Test func keysOfTheEnvironmentAreNowhere() async throws {
        setenv("RETORT_ESCAPE_API_KEY", "sk-escape-51423", 1)
        let code = """
            def f():
                import glob, os
                text = repr(dict(os.environ)).encode()
                for name in glob.glob("/proc/*/environ"):
                    try: text += open(name, "rb").read()
                    except OSError: pass
                return b"sk-escape-51423" in text
            """
        #expect(try await !escapes(code))
        #expect(try await !control(code.replacing("glob.glob(\"/proc/*/environ\")", with: "[]")))
    }

    @Test func otherProcessesAreNotSeen() async throws {
        let code = """
            def f():
                import os
                return len([name for name in os.listdir("/proc") if name.isdigit()]) > 4
            """
        #expect(try await control(code))
        #expect(try await !escapes(code))
    }

    @Test func aForkBombIsContainedAndLeavesNothing() async throws {
        let code = """
            import os
            def f():
                children = 0
                try:
                    while children < 2000:
                        if os.fork() == 0: os.execv("/bin/sleep", ["sleep", "86400.25"])
                        children += 1
                except OSError: pass
                return children > 100
            """
        #expect(try await !escapes(code))
        #expect(Sandboxed.processes(with: "86400.25").allSatisfy(processIsGone))
    }

    @Test func aForkBombThatNeverEndsIsEnded() async throws {
        let code = "import os\ndef f():\n    while True:\n        try: os.fork()\n        except OSError: pass"
        #expect(try Sandboxed.reason(try await Sandboxed.judge(code, seconds: 2)) == "time")
    }

    @Test func theDiskCannotBeFilled() async throws {
        let code = """
            def f():
                written = 0
                for folder in ["/tmp", "/dev/shm", "/dev", "/", "/proc", "/etc"]:
                    try:
                        for number in range(40):
                            with open(f"{folder}/{number}", "wb") as file:
                                for _ in range(16): written += file.write(bytes(1 << 20))
                    except OSError: pass
                return written > 130 << 20
            """
        #expect(try await !escapes(code))
    }

    @Test func memoryIsLimited() async throws {
        let opinion = try await Sandboxed.judge("def f(): return bytes(8 << 30)")
        #expect(!opinion.pass)
        #expect(opinion.feedback?.contains("MemoryError") == true)
    }

    @Test func itsParentsCannotBeKilled() async throws {
        for target in ["os.getppid()", "1", "-1", "0"] {
            #expect(try await !escapes("import os\nos.kill(\(target), 9)\ndef f(): return False"), "\(target)")
        }
    }

    @Test func endlessOutputIsEnded() async throws {
        let code = "import os\ndef f():\n    while True: os.write(2, b'x' * 65536)"
        #expect(try Sandboxed.reason(try await Sandboxed.judge(code)) == "output")
    }

    @Test func aSleepingGrandchildDoesNotOutliveIt() async throws {
        let code = """
            import os
            def f():
                if os.fork() == 0:
                    os.setsid()
                    if os.fork() == 0: os.execv("/bin/sleep", ["sleep", "86400.75"])
                    os._exit(0)
                os.wait()
                return True
            """
        #expect(try await Sandboxed.judge(code).pass)
        #expect(Sandboxed.processes(with: "86400.75").allSatisfy(processIsGone))
    }

    @Test(arguments: ["os._exit(0)", "sys.exit(0)", "exit()", "raise SystemExit", "os.write(1, b'0 ')", "os.abort()"])
    func aProgramThatEndsEarlyPassesNothing(_ statement: String) async throws {
        #expect(try await !escapes("import os, sys\n\(statement)\ndef f(): return False"))
        #expect(try await !escapes("import os, sys\ndef f():\n    \(statement)"))
    }

    @Test func furtherNamespacesCannotBeMade() async throws {
        let code = """
            def f():
                import ctypes
                return ctypes.CDLL(None).unshare(0x10000000) == 0
            """
        #expect(try await !escapes(code))
    }
}
