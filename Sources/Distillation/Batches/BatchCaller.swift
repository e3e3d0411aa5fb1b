import Basics
package import BatchDelivery
package import HTTPTransport
import JSONText
import ModelAPI

/// Makes the calls of a batch API and returns their results as events.
package struct BatchCaller: Sendable {
    package typealias Event = BatchMachine.Event

    package let dialect: any BatchDialect
    package let sender: any BulkSender
    package let secrets: Secrets

    /// Maximum pages of a list that are read.
    private static let pagesMax = 1000
    /// Maximum seconds by which a provider's clock may be behind this machine's.
    private static let clockSkewMax = 300

    package func upload(_ title: BatchTitle, _ file: String) async -> Event {
        await send(dialect.upload(title), file) { dialect.file($0).map { .uploaded($0) } }
    }

    package func findFile(_ name: String) async -> Event {
        var after: String?
        for _ in 0..<Self.pagesMax {
            var found: String?
            var next: String?
            let event = await send(dialect.listFiles(after: after)) { reply in
                let page = dialect.files(reply, after: after)
                found = page.elements.first { $0.name == name }?.id
                next = page.next
                return .foundFile(found)
            }
            guard case .foundFile(nil) = event, let next else { return event }
            after = next
        }
        return .foundFile(nil)
    }

    /// - Parameters:
    ///   - except: batches that are known not to be it.
    package func findBatch(_ standing: BatchStanding, except: Set<String>) async -> Event {
        var after: String?
        for _ in 0..<Self.pagesMax {
            var next: String?
            var isOld = false
            let result = await exchange(bulk(dialect.listBatches(after: after)))
            let since = standing.planned - Self.clockSkewMax - Self.lead(result)
            let event = event(result) { reply in
                let page = dialect.batches(reply, after: after)
                next = page.next
                isOld = page.elements.contains { $0.created > 0 && $0.created < since }
                let own = page.elements.last { !except.contains($0.id) && isLike($0, standing, since: since) }
                return .foundBatch(own?.id)
            }
            // Lists are newest first: what is older than the plan cannot be the batch.
            guard case .foundBatch(nil) = event, let next, !isOld else { return event }
            after = next
        }
        return .foundBatch(nil)
    }

    /// Seconds by which this clock is ahead of the provider's, judged by the date of its reply.
    private static func lead(_ result: Result<ModelReply, TransportFailure>) -> Int {
        guard case .success(let reply) = result, let date = reply.header("date").flatMap(HTTPDate.seconds) else {
            return 0
        }
        return max(0, Int(wallClockSeconds()) - Int(clamping: date))
    }

    private func isLike(_ view: BatchView, _ standing: BatchStanding, since: Int) -> Bool {
        if let name = view.name { return name == standing.plan.name }
        if let file = view.inputFile { return file == standing.file }
        return view.total == standing.plan.requests && view.created >= since
    }

    package func create(_ title: BatchTitle, file: String?, upload: String) async -> Event {
        if let file, let call = dialect.lookAtFile(file), let trouble = await readinessTrouble(call) { return trouble }
        return await send(dialect.create(title, file: file), upload) { dialect.batch($0).map { .created($0.id) } }
    }

    /// Why no batch is made of a file yet; nil: it is ready.
    private func readinessTrouble(_ call: BatchCall) async -> Event? {
        let event = await send(call) { reply in
            switch dialect.readiness(reply) {
            case .ready: .noted
            case .notYet: .busy
            case .refused(let why):
                .refused(RetortError(.refused, "\(dialect.name) refuses the file of the batch", cause: why))
            }
        }
        return switch event {
        case .noted: nil
        // The creation was not sent.
        case .lost(let error): .unsent(error)
        default: event
        }
    }

    package func look(_ id: String) async -> Event {
        await send(dialect.look(id)) { dialect.batch($0).flatMap { $0.id == id ? .looked($0) : nil } }
    }

    package func cancel(_ id: String) async -> Event {
        await send(dialect.cancel(id)) { dialect.hasCancelled($0) ? .cancelled : nil }
    }

    /// Nil once the file is there.
    package func download(_ path: String, to target: String) async -> Event? {
        let result = await exchange(bulk(dialect.download(path), target: target))
        if case .success(let reply) = result, reply.status / 100 == 2 { return nil }
        return trouble(result)
    }

    private func bulk(_ call: BatchCall, _ file: String = "", target: String? = nil) -> BulkCall {
        let body: BulkCall.Body =
            switch call.body {
            case .none: .none
            case .bytes(let bytes): .bytes(bytes)
            case .upload(let head, let tail): .file(path: file, head: head, tail: tail)
            }
        var bulk = BulkCall(
            call.method, call.path, query: call.query, contentType: call.contentType, body: body, target: target)
        (bulk.cut, bulk.keyHeader) = (call.cut, call.keyHeader)
        return bulk
    }

    private func send(_ call: BatchCall, _ file: String = "", _ read: (JSONValue) -> Event?) async -> Event {
        event(await exchange(bulk(call, file)), read)
    }

    /// The result contains no secret, since its text is shown and stored.
    private func exchange(_ call: BulkCall) async -> Result<ModelReply, TransportFailure> {
        await sender.send(call).map { reply in
            var reply = reply
            secrets.blot(&reply.body)
            return reply
        }
    }

    private func event(_ result: Result<ModelReply, TransportFailure>, _ read: (JSONValue) -> Event?) -> Event {
        guard case .success(let reply) = result, reply.status / 100 == 2 else { return trouble(result) }
        if let root = try? JSONParser().parse(reply.body).root, let event = read(root) { return event }
        return .lost(
            RetortError(
                .incomplete, "\(dialect.name) answered in a form that is not known",
                cause: RefusalText.excerpt(reply.body)))
    }

    private func trouble(_ result: Result<ModelReply, TransportFailure>) -> Event {
        switch result {
        case .failure(let failure):
            let error = RetortError(
                .io, "\(dialect.name) could not be reached", cause: secrets.blotted(failure.message),
                remedy: "Check the base URL and the network, then run the same command again: nothing is sent twice.")
            if failure.kind == .tls { return .denied(error) }
            return failure.stage == .unconnected ? .unsent(error) : .lost(error)
        case .success(let reply): return refusal(reply)
        }
    }

    private func refusal(_ reply: ModelReply) -> Event {
        let words = RefusalText.read(reply)
        let cause = "status \(reply.status): \(words.message)"
        switch reply.status {
        case _ where words.code == "token_limit_exceeded": return .queueFull(words.message)
        case 401, 402, 403:
            return .denied(
                RetortError(
                    .refused, "\(dialect.name) refuses the key", cause: cause,
                    remedy: "Check the key and what it may do, then run the same command again."))
        case 404, 410:
            return .unknown(
                RetortError(
                    .refused, "the provider does not know the batch, its file or its batch API", cause: cause,
                    remedy: "Use the key of the project that made it. If it was deleted there, add --batch-forget: its "
                        + "rows are then sent again."))
        case 429 where words.code == "insufficient_quota":
            return .denied(
                RetortError(
                    .refused, "the account has no quota left", cause: cause,
                    remedy: "Add credit to the account, then run the same command again."))
        case 408, 409, 500...:
            return .lost(
                RetortError(
                    .incomplete, "\(dialect.name) failed", cause: cause,
                    remedy: "Run the same command again later: nothing is sent twice."))
        case 429: return .busy
        default:
            return .refused(
                RetortError(
                    .configuration, "\(dialect.name) refuses the batch", cause: cause,
                    remedy: "Check the base URL and whether its server has a batch API."))
        }
    }
}
