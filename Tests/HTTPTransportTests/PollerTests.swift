import Basics
import Glibc
import Testing

@testable import HTTPTransport

@Suite struct PollerTests {
    private final class Listener: ReadinessHandler {
        var heard: [Int32] = []

        func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) { heard.append(descriptor) }
    }

    /// Both ways of waiting: with fine timeouts, and the one for kernels without them.
    @Test(arguments: [true, false]) func waitsForDescriptorsAndNoLongerThanTold(_ isFine: Bool) throws {
        var poller = try Poller.open()
        poller.hasFineTimeouts = isFine
        var pipe: [Int32] = [0, 0]
        #expect(Glibc.pipe(&pipe) == 0)
        defer { for end in pipe { close(end) } }
        let listener = Listener()
        poller.watch(pipe[0], for: .readable, handler: listener)
        #expect(poller.wait(.zero) == 0)
        let start = Instant.now
        #expect(poller.wait(.milliseconds(2)) == 0)
        #expect(Instant.now - start >= .milliseconds(2))

        #expect(write(pipe[1], "x", 1) == 1)
        #expect(poller.wait(nil) == 1)
        if let event = poller.take(0) { event.handler.descriptorReady(event.descriptor, event.readiness) }
        #expect(listener.heard == [pipe[0]])
        poller.forget(pipe[0])
        #expect(poller.wait(.zero) == 0)
    }
}
