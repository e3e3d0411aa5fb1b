import Basics
import HTTPTransport
import ResponseGenerator

/// The generator's time, told and slept by the event loop that also runs its tasks.
struct LoopClock: GeneratorClock {
    let loop: EventLoop

    var now: Instant { loop.now }

    func sleep(until due: Instant) async { try? await loop.sleep(until: due) }
}
