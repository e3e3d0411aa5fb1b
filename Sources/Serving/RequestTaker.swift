import Basics
import Dataset
import Distillation
package import HTTPServer
import JSONText
package import ModelAPI
import ResponseGenerator
package import SegmentStore
import Synchronization

/// Accepts clients' requests: answers from the store, joins an equal request in progress, or offers the request to the
/// generator. Any thread.
package final class RequestTaker: Sendable {
    private let settings: ServeSettings
    private let store: RecordStore
    private let source: ClientSource
    private let waiting: WaitingClients
    private let stored: StoredAnswers
    private let accounts: ClientAccounts
    private let parsers = Locked<[JSONParser]>([])
    /// The row number of the next record.
    private let rows: Locked<UInt64>
    /// Requests that were answered from the store.
    private let reused = Atomic(0)
    private let isEnding = Atomic(false)

    /// Seconds after which clients are told to try again.
    package static let retryAfterSeconds = 5

    package init(
        _ settings: ServeSettings, _ store: RecordStore, _ source: ClientSource, _ waiting: WaitingClients,
        _ stored: StoredAnswers, _ accounts: ClientAccounts, firstRow: UInt64
    ) {
        self.accounts = accounts
        self.settings = settings
        self.store = store
        self.source = source
        self.waiting = waiting
        self.stored = stored
        rows = Locked(firstRow)
    }

    package var reusedCount: Int { reused.load(ordering: .relaxed) }
    package var nextRow: UInt64 { rows.withLock { $0 } }

    /// Accepts no new requests from now on.
    package func end() { isEnding.store(true, ordering: .releasing) }

    /// Accepts a request from a connection. The reply follows when there is an answer.
    package func take(
        _ http: HTTPRequest, _ endpoint: RequestBuilder.Endpoint, _ client: any Client, of key: ClientKey?
    ) {
        withParser { parser in
            do throws(ClientError) {
                try checkOpen(endpoint)
                if let key { try accounts.checkPace(key, at: .now) }
                let request = try ClientRequest(http, endpoint, settings.run.builder, parser)
                try take(request, client, of: key, parser)
            } catch {
                client.take(ClientReply(error))
            }
        }
    }

    /// Accepts a line of a batch, whose id is given.
    package func take(
        body: [UInt8], _ endpoint: RequestBuilder.Endpoint, id: [UInt8], _ client: any Client, of key: ClientKey?
    ) {
        withParser { parser in
            do throws(ClientError) {
                try checkOpen(endpoint)
                let request = try ClientRequest(body: body, endpoint, settings.run.builder, parser, id: id)
                try take(request, client, of: key, parser)
            } catch {
                client.take(ClientReply(error))
            }
        }
    }

    private func withParser(_ body: (JSONParser) -> Void) {
        let parser = parsers.withLock { $0.popLast() } ?? JSONParser()
        body(parser)
        parsers.withLock { $0.append(parser) }
    }

    private func checkOpen(_ endpoint: RequestBuilder.Endpoint) throws(ClientError) {
        if isEnding.load(ordering: .acquiring) {
            throw ClientError(503, "the server is ending", retryAfterSeconds: Self.retryAfterSeconds)
        }
        if let error = settings.objection(to: endpoint.dialect.provider) {
            throw ClientError(501, "\(endpoint.dialect.batchURL) is not served: \(error)", code: "endpoint_not_served")
        }
    }

    private func take(
        _ request: ClientRequest, _ client: any Client, of account: ClientKey?, _ parser: JSONParser
    ) throws(ClientError) {
        let key = RecordKey(id: try id(of: request))
        let bytes = request.request.body.count
        switch waiting.join(key.hash, fingerprint: request.fingerprint, bytes: bytes, client) {
        case .joined:
            reused.add(1, ordering: .relaxed)
            return
        case .different: throw Self.different(key.id)
        case .full:
            throw ClientError(
                503, "too much is waiting for answers", retryAfterSeconds: Self.retryAfterSeconds)
        case .new: break
        }
        do throws(ClientError) {
            if try answerFromStore(key, request) { return }
            let price = price(of: request)
            let hasBudget = account?.budget != nil
            let reserve: Int? = hasBudget ? try costMax(of: request, price, parser) : nil
            var item = try Self.told { () throws(RetortError) in
                try self.item(request, key, of: account, price, reserve: reserve, parser)
            }
            if let account, let reserve { try accounts.reserve(account, key.hash, reserve) }
            if request.isStream { item.request.tap = client.tap(id: key.id) }
            source.offer(item)
        } catch {
            // Others may have joined in the meantime.
            for client in waiting.take(key.hash) { client.take(ClientReply(error)) }
        }
    }

    private func id(of request: ClientRequest) throws(ClientError) -> [UInt8] {
        if let own = request.id { return own }
        if settings.reuse.applies(to: request) { return Array(request.name.utf8) }
        if let key = request.idempotencyKey { return key }
        return try Self.told { () throws(RetortError) in try freeName(of: request) }
    }

    /// The price of --price applies to models that no list has.
    private func price(of request: ClientRequest) -> TokenPrice? {
        let pricing = settings.run.pricing
        return pricing.price(ofModel: request.model) ?? pricing.price
    }

    /// The worst-case cost of a request from a client with a budget.
    private func costMax(
        of request: ClientRequest, _ price: TokenPrice?, _ parser: JSONParser
    ) throws(ClientError) -> Int {
        guard let price else {
            throw ClientError(
                400, "the client has a budget, and the price of \(request.model ?? "the model") is not known")
        }
        let sent = request.request
        switch Pricing.costMax(of: sent, RequestBounds(of: sent, body: try? parser.parse(sent.body).root), price) {
        case .success(let cost): return cost
        case .failure(.noTokenLimit):
            throw ClientError(
                400, "the client has a budget, so the request needs a limit of tokens, such as max_tokens")
        case .failure(.input(let what)):
            throw ClientError(
                400, "the client has a budget, and what a request with \(what) makes the server read has no bound")
        }
    }

    private static func told<Result>(_ work: () throws(RetortError) -> Result) throws(ClientError) -> Result {
        do throws(RetortError) {
            return try work()
        } catch {
            throw ClientError(error.code == .configuration ? 400 : 500, error.description)
        }
    }

    private static func different(_ id: [UInt8]) -> ClientError {
        ClientError(
            422, "another request was sent under the id \(String(decoding: id, as: UTF8.self))",
            code: "idempotency_conflict")
    }

    /// Equal requests that are meant to differ each get their own record.
    private func freeName(of request: ClientRequest) throws(RetortError) -> [UInt8] {
        var name = request.name
        while true {
            let hash = RecordKey(name).hash
            if !waiting.contains(hash), try store.lookup(hash) == nil { return Array(name.utf8) }
            name = "\(request.name)-\(takeRow())"
        }
    }

    private func takeRow() -> UInt64 {
        rows.withLock { row in
            defer { row += 1 }
            return row
        }
    }

    /// Whether the item has an answer. If so, it is read and sent to all clients that wait for it.
    private func answerFromStore(_ key: RecordKey, _ request: ClientRequest) throws(ClientError) -> Bool {
        let found = try Self.told { () throws(RetortError) in try store.lookup(key) }
        guard let entry = found, entry.recordStatus == .ok else { return false }
        guard entry.fingerprint == UInt32(truncatingIfNeeded: request.fingerprint) else { throw Self.different(key.id) }
        reused.add(1, ordering: .relaxed)
        stored.read(key, entry) { [waiting] result in
            let reply =
                switch result {
                case .success(let body): ClientReply(body: body, id: key.id, isReused: true)
                case .failure(let error): ClientReply(ClientError(500, "the stored answer cannot be read: \(error)"))
                }
            for client in waiting.take(key.hash) { client.take(reply) }
        }
        return true
    }

    private func item(
        _ request: ClientRequest, _ key: RecordKey, of account: ClientKey?, _ price: TokenPrice?, reserve: Int?,
        _ parser: JSONParser
    ) throws(RetortError) -> Item<ItemContext> {
        let sent = request.request
        let costMax = try settings.run.pricing.costMax(of: sent, price: price, with: parser) {
            request.endpoint.dialect.batchURL
        }
        let context = ItemContext(
            key: key, row: takeRow(), fingerprint: request.fingerprint,
            asked: AskedText.members(ofBody: sent.body[...], with: parser),
            metadata: metadata(of: request, account, reserve: reserve), request: sent, price: price)
        return Item(
            request: sent, context: context,
            estimatedTokens: TokenEstimate.tokens(of: sent, completionTokensMax: request.completionTokensMax),
            costMax: costMax, price: price ?? .free, namesModel: true)
    }

    /// The client comes first, where `ClientAccounts` looks for it.
    private func metadata(of request: ClientRequest, _ account: ClientKey?, reserve: Int?) -> [UInt8] {
        var members = account.map { [JSONTree.Member("client", .text($0.name))] } ?? []
        members.append(JSONTree.Member("endpoint", .text(request.endpoint.dialect.batchURL)))
        if let key = request.idempotencyKey {
            members.append(JSONTree.Member("idempotency_key", .text(String(decoding: key, as: UTF8.self))))
        }
        // The amount charged to the account if the record does not know its cost.
        if let reserve { members.append(JSONTree.Member(ClientBooks.reserveName, .integer(reserve))) }
        return JSONTree.object(members).line
    }
}
