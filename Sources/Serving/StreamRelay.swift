import Basics
package import Distillation
package import HTTPServer
import ModelAPI

/// Passes an event stream on to its client as it arrives, except the end: that follows once the answer is recorded. A
/// client whose stream has ended therefore has its answer in the store. Any thread.
///
/// Until two events have arrived, the generator may retry unnoticed. After that, a broken stream is broken for its
/// client too.
package final class StreamRelay: BodyTap {
    private enum Phase {
        /// The client has received nothing yet.
        case waiting
        /// The client receives the stream.
        case passing(PieceStream)
        /// The stream has broken off, or is over.
        case over
    }

    private struct State {
        var phase = Phase.waiting
        var events = HeldEvents()
    }

    private let reply: PendingReply
    private let id: [UInt8]
    private let secrets: Secrets
    private let bytesMax: Int
    private let state = Locked(State())

    /// - Parameter bytesMax: maximum bytes that wait for a slow reader.
    package init(_ reply: PendingReply, id: [UInt8], secrets: Secrets, bytesMax: Int) {
        self.reply = reply
        self.id = id
        self.secrets = secrets
        self.bytesMax = bytesMax
    }

    package func began() {
        state.withLock { state in
            state.events = HeldEvents()
            guard case .passing(let stream) = state.phase else { return }
            stream.breakOff()
            state.phase = .over
        }
    }

    package func received(_ bytes: UnsafeRawBufferPointer, status: Int) {
        guard status == 200 else { return }
        state.withLock { state in
            if case .over = state.phase { return }
            var events = state.events.add(bytes)
            guard !events.isEmpty else { return }
            secrets.blot(&events)
            switch state.phase {
            case .waiting:
                guard ClientReply.contentType(of: events) == ClientReply.eventStream else {
                    state.phase = .over
                    return
                }
                let stream = PieceStream(bytesMax: bytesMax)
                stream.write(events)
                state.phase = .passing(stream)
                var response = HTTPResponse(contentType: ClientReply.eventStream, body: .stream(stream))
                response.headers.append(("x-retort-id", ClientReply.headerText(id)))
                reply.send(response)
            case .passing(let stream): stream.write(events)
            case .over: break
            }
        }
    }

    /// The outcome is recorded. False if the client has received nothing yet, so that the whole reply must be sent.
    package func end(_ outcome: ClientReply) -> Bool {
        state.withLock { state in
            guard case .passing(let stream) = state.phase else { return reply.isSent }
            state.phase = .over
            if case .upstream(let status, _) = outcome.content, status == 200 {
                var rest = state.events.rest
                secrets.blot(&rest)
                stream.write(rest)
                stream.finish()
            } else {
                stream.breakOff()
            }
            return true
        }
    }
}

/// The events received so far; the last complete one and what follows are held back. A value.
package struct HeldEvents: Sendable {
    private var pending: [UInt8] = []
    private var scanned = 0
    /// The ends of the last complete event and of the one before it.
    private var last = 0
    private var beforeLast = 0

    /// Adds bytes, and returns the events that may be passed on.
    package mutating func add(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        pending.append(contentsOf: bytes)
        while scanned < pending.count {
            if isBlankLine(scanned) {
                beforeLast = last
                last = scanned + 1
            }
            scanned += 1
        }
        guard beforeLast > 0 else { return [] }
        let passed = Array(pending[..<beforeLast])
        pending.removeFirst(beforeLast)
        scanned -= beforeLast
        last -= beforeLast
        beforeLast = 0
        return passed
    }

    /// The bytes held back.
    package var rest: [UInt8] { pending }

    /// Whether the line feed at `place` ends an empty line, which ends an event.
    private func isBlankLine(_ place: Int) -> Bool {
        guard pending[place] == 0x0A, place > 0 else { return false }
        if pending[place - 1] == 0x0A { return true }
        return pending[place - 1] == 0x0D && place > 1 && pending[place - 2] == 0x0A
    }
}
