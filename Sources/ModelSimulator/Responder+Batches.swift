import Basics

/// The routes of the batch APIs.
extension Responder {
    func batches(_ route: BatchRoute, _ request: Request, at now: Instant, date: Int64) -> Reply {
        do throws(APIError) {
            if route != .log { try checkKey(request) }
            if route != .log, desk.faults.take(.unknown) { throw .unknownPath }
            let answer: BatchDesk.Answer = { [self] body, endpoint in
                self.answer(line: body, endpoint, key: request.key, at: now, date: date)
            }
            desk.host = request.host ?? "localhost"
            desk.advance(at: now, date: date, answer: answer)
            return try reply(to: route, request, at: now, date: date, answer)
        } catch {
            return Reply(error, to: route.isAnthropic ? .messages : nil)
        }
    }

    private func reply(
        to route: BatchRoute, _ request: Request, at now: Instant, date: Int64, _ answer: BatchDesk.Answer
    ) throws(APIError) -> Reply {
        switch route {
        case .uploadFile:
            return try desk.upload(request.body, contentType: request.contentType, request.form, date: date)
        case .gemini(let route): return try desk.gemini(route, request, at: now, date: date, answer: answer)
        case .listFiles where request.page != nil:
            return desk.listFiles(page: request.page ?? 0, size: pageSize(request), purpose: request.purpose)
        case .listFiles:
            return desk.listFiles(after: request.after, limit: request.limit, purpose: request.purpose)
        case .file(let id): return try desk.look(at: id)
        case .fileContent(let id): return try desk.content(id)
        case .deleteFile(let id): return try desk.deleteFile(id)
        case .create: return counted(try desk.create(request.body, request.form, at: now, date: date))
        case .list: return try desk.listBatches(request.form, after: request.after, limit: request.limit, at: now)
        case .batch(let id): return Reply(body: desk.json(desk.jobs[try desk.job(id)], at: now))
        case .cancel(let id): return try desk.cancel(id, at: now, date: date, answer: answer)
        case .createMistral: return counted(try desk.createMistral(request.body, at: now, date: date))
        case .listMistral: return desk.listMistral(page: request.page ?? 0, size: pageSize(request))
        case .mistral(let id): return Reply(body: desk.mistralJSON(desk.jobs[try desk.job(id)]))
        case .cancelMistral(let id):
            let index = try desk.job(id)
            desk.cancel(index, at: now, date: date, answer: answer)
            return Reply(body: desk.mistralJSON(desk.jobs[index]))
        case .createMessages: return counted(try desk.createMessages(request.body, at: now, date: date))
        case .listMessages: return desk.listMessages(after: request.after, limit: request.limit)
        case .messages(let id): return Reply(body: desk.messageJSON(desk.jobs[try desk.job(id)]))
        case .messageResults(let id): return try desk.messageResults(id)
        case .cancelMessages(let id): return try desk.cancelMessages(id, at: now, date: date, answer: answer)
        case .deleteMessages(let id): return try desk.deleteMessages(id)
        case .log:
            var reply = Reply(body: desk.log())
            reply.contentType = "application/jsonl"
            return reply
        }
    }

    private func pageSize(_ request: Request) -> Int { min(max(request.pageSize ?? 100, 1), 1000) }

    /// Counts the batch that was just created, and its lines.
    private func counted(_ reply: Reply) -> Reply {
        let lines = desk.jobs.last?.lines.count ?? 0
        ledger.withLock { $0.noteBatch(requests: lines) }
        return reply
    }
}
