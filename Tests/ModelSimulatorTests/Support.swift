import Basics
import Glibc
import JSONText

@testable import ModelSimulator

/// Requests and replies without a network.
func chat(_ content: String, _ more: String = "") -> String {
    #"{"model":"m","messages":[{"role":"user","content":"\#(content)"}]\#(more)}"#
}

func completionRequest(_ body: String, _ endpoint: CompletionRequest.Endpoint = .chat) throws -> CompletionRequest {
    try CompletionRequest(try JSONParser().parse(body).root, endpoint: endpoint)
}

func json(_ bytes: [UInt8]) throws -> JSONValue { try JSONParser().parse(bytes).root }

extension JSONValue {
    /// The text of the first choice, of either endpoint.
    var firstText: String? {
        guard let choice = self["choices"]?.elements.first else { return nil }
        return choice["message"]?["content"]?.string ?? choice["text"]?.string
    }
}

/// A responder whose clock moves only when a test moves it.
final class ResponderBench {
    let ledger: Locked<Ledger>
    let responder: Responder
    var now = Instant(nanoseconds: 1_000_000_000)

    convenience init() { self.init { _ in } }

    init(_ change: (inout SimulatorConfiguration) throws -> Void) rethrows {
        var configuration = SimulatorConfiguration()
        try change(&configuration)
        ledger = Locked(Ledger(remembersItems: configuration.remembersItems))
        responder = Responder(configuration, ledger: ledger, at: now)
    }

    func reply(
        _ body: String, _ route: Route = .completion(.chat), key: String? = nil
    ) -> Reply {
        let request = Responder.Request(route: route, body: Array(body.utf8), key: key)
        return responder.reply(to: request, at: now, date: 1_763_600_000)
    }
}

/// Yields until a condition set by another thread holds; false after a generous limit.
func holdsSoon(_ condition: () -> Bool) -> Bool {
    let end = Instant.now + .seconds(20)
    while !condition() {
        guard Instant.now < end else { return false }
        sched_yield()
    }
    return true
}
