package import Basics
package import HTTPTransport
import ResponseGenerator

/// The generator's clock: the event loop that also runs its tasks.
package struct LoopClock: GeneratorClock {
    package let loop: EventLoop

    package init(loop: EventLoop) { self.loop = loop }

    package var now: Instant { loop.now }

    package func sleep(until due: Instant) async { try? await loop.sleep(until: due) }
}
