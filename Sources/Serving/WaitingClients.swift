package import Basics
package import Distillation
package import HTTPServer
package import ModelAPI

/// A recipient of an answer: a connection, or a line of a batch. Any thread.
package protocol Client: Sendable {
    func take(_ reply: ClientReply)

    /// Receives the stream as it arrives; nil: the client does not want one.
    func tap(id: [UInt8]) -> (any BodyTap)?
}

extension Client {
    package func tap(id: [UInt8]) -> (any BodyTap)? { nil }
}

/// A client on a connection.
package final class ConnectedClient: Client {
    private let reply: PendingReply
    private let provider: Provider
    private let secrets: Secrets
    private let streamBytesMax: Int
    private let relay = Locked<StreamRelay?>(nil)

    /// - Parameter streamBytesMax: maximum bytes of a stream that wait for a slow reader.
    package init(_ reply: PendingReply, _ provider: Provider, secrets: Secrets, streamBytesMax: Int) {
        self.reply = reply
        self.provider = provider
        self.secrets = secrets
        self.streamBytesMax = streamBytesMax
    }

    package func take(_ reply: ClientReply) {
        if relay.withLock({ $0 })?.end(reply) == true { return }
        self.reply.send(reply.response(to: provider))
    }

    package func tap(id: [UInt8]) -> (any BodyTap)? {
        let made = StreamRelay(reply, id: id, secrets: secrets, bytesMax: streamBytesMax)
        relay.withLock { $0 = made }
        return made
    }
}

/// The clients waiting for each item in progress, by the hash of its key. Any thread.
package final class WaitingClients: Sendable {
    package enum Joining: Sendable, Hashable {
        /// The first client: the item must be sent.
        case new
        /// An equal request is in progress.
        case joined
        /// Another request is in progress under that key.
        case different
        /// Too many requests are in progress.
        case full
    }

    /// Maximum bytes of requests in progress. Beyond it clients are told to try again later.
    package static let bytesMax = 1 << 30

    private struct Entry {
        var fingerprint: UInt64
        var bytes: Int
        var clients: [any Client]
    }

    private struct State {
        var entries: [Hash128: Entry] = [:]
        var bytes = 0
    }

    private let state = Locked(State())

    package func contains(_ hash: Hash128) -> Bool { state.withLock { $0.entries[hash] != nil } }

    /// - Parameter bytes: the size of the request's body.
    package func join(_ hash: Hash128, fingerprint: UInt64, bytes: Int, _ client: any Client) -> Joining {
        state.withLock { state in
            guard let known = state.entries[hash] else {
                guard state.bytes == 0 || bytes <= Self.bytesMax - state.bytes else { return .full }
                state.bytes += bytes
                state.entries[hash] = Entry(fingerprint: fingerprint, bytes: bytes, clients: [client])
                return .new
            }
            guard known.fingerprint == fingerprint else { return .different }
            state.entries[hash]?.clients.append(client)
            return .joined
        }
    }

    /// Removes and returns the clients of an item that is no longer in progress.
    package func take(_ hash: Hash128) -> [any Client] {
        state.withLock { state in
            guard let entry = state.entries.removeValue(forKey: hash) else { return [] }
            state.bytes -= entry.bytes
            return entry.clients
        }
    }

    package func takeAll() -> [any Client] {
        state.withLock { state in
            defer { state = State() }
            return state.entries.values.flatMap(\.clients)
        }
    }
}
