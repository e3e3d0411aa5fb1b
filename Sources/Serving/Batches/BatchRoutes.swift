import Basics
import Dataset
import Glibc
package import HTTPServer
import JSONText
import ModelAPI

/// `/v1/files` and `/v1/batches` in OpenAI's form. Disk access happens on a thread of its own.
package struct BatchRoutes: Sendable {
    package let runner: BatchRunner
    /// The client of a request, by its key.
    package let client: @Sendable (HTTPRequest) -> ClientKey?
    private let worker = SerialWorker(onThread: true, stepsMax: 1024)

    private var shelf: BatchShelf { runner.shelf }

    /// Maximum bytes of an upload.
    package static let uploadBytesMax = 200 << 20
    /// Default number of entries in a list.
    private static let listCount = 20
    private static let listCountMax = 100

    package init(runner: BatchRunner, client: @escaping @Sendable (HTTPRequest) -> ClientKey?) {
        self.runner = runner
        self.client = client
    }

    package func routes(below base: String) -> [HTTPRoute] {
        [
            HTTPRoute("POST", base + "/files", bodyBytesMax: Self.uploadBytesMax, deferred: onDisk(upload)),
            HTTPRoute("GET", base + "/files") { request in
                list(shelf.files(of: owner(request)).map { ($0.id, $0.tree) }, request)
            },
            HTTPRoute("GET", base + "/files/{id}") { request in
                answer { () throws(ClientError) in try file(request).tree }
            },
            HTTPRoute("DELETE", base + "/files/{id}", deferred: onDisk(remove)),
            HTTPRoute("GET", base + "/files/{id}/content", deferred: onDisk(content)),
            HTTPRoute("POST", base + "/batches", deferred: onDisk(create)),
            HTTPRoute("GET", base + "/batches") { request in
                list(shelf.batches(of: owner(request)).map { ($0.id, $0.tree) }, request)
            },
            HTTPRoute("GET", base + "/batches/{id}") { request in
                answer { () throws(ClientError) in try batch(request).tree }
            },
            HTTPRoute("POST", base + "/batches/{id}/cancel", deferred: onDisk(cancel)),
        ]
    }

    private typealias Work = @Sendable (HTTPRequest) throws(ClientError) -> HTTPResponse

    private func onDisk(_ work: @escaping Work) -> HTTPRoute.Handler {
        { [worker] request, reply in
            try? worker.submit { () throws(RetortError) in
                do throws(ClientError) {
                    reply.send(try work(request))
                } catch {
                    reply.send(error.response(to: .openAI))
                }
            }
        }
    }

    private func answer(_ work: () throws(ClientError) -> JSONTree) -> HTTPResponse {
        do throws(ClientError) {
            return .json(try work().line)
        } catch {
            return error.response(to: .openAI)
        }
    }

    private func owner(_ request: HTTPRequest) -> String { client(request)?.name ?? "" }

    private static func storing<Result>(_ work: () throws(RetortError) -> Result) throws(ClientError) -> Result {
        do throws(RetortError) {
            return try work()
        } catch {
            throw ClientError(500, error.description)
        }
    }

    // MARK: Files

    private func file(_ request: HTTPRequest) throws(ClientError) -> ServedFile {
        let id = request.parameters["id"] ?? ""
        guard let file = shelf.file(id, of: owner(request)) else { throw ClientError(404, "no such file: \(id)") }
        return file
    }

    private func upload(_ request: HTTPRequest) throws(ClientError) -> HTTPResponse {
        guard let form = MultipartForm(request.body, contentType: request.header("content-type")),
            let part = form.part("file")
        else { throw ClientError(400, "the body is no multipart/form-data with a part `file`") }
        let purpose = form.part("purpose").map { String(decoding: $0.content, as: UTF8.self) } ?? ""
        guard purpose == "batch" else { throw ClientError(400, "the purpose of a file is batch here, not \(purpose)") }
        let file = try Self.storing { () throws(RetortError) in
            try shelf.add(part.content, name: part.fileName ?? "file.jsonl", purpose: purpose, owner: owner(request))
        }
        return .json(file.tree.line)
    }

    private func content(_ request: HTTPRequest) throws(ClientError) -> HTTPResponse {
        let file = try file(request)
        guard let descriptor = try? DurableFile.openToRead(shelf.contentPath(file.id)) else {
            throw ClientError(404, "the content of \(file.id) is gone")
        }
        // The recorded size is not trusted: the response has the file's actual length.
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            close(descriptor)
            throw ClientError(500, "the content of \(file.id) cannot be read")
        }
        return HTTPResponse(
            contentType: "application/octet-stream", body: .file(descriptor, bytes: Int(status.st_size)))
    }

    private func remove(_ request: HTTPRequest) throws(ClientError) -> HTTPResponse {
        let file = try file(request)
        if let user = shelf.batches(of: file.owner).first(where: { $0.inputFile == file.id && !$0.status.isOver }) {
            throw ClientError(409, "\(user.id) is working on the file")
        }
        shelf.remove(file)
        let tree = JSONTree.object([
            .init("id", .text(file.id)), .init("object", .text("file")), .init("deleted", .boolean(true)),
        ])
        return .json(tree.line)
    }

    // MARK: Batches

    private func batch(_ request: HTTPRequest) throws(ClientError) -> BatchJob {
        let id = request.parameters["id"] ?? ""
        guard let job = shelf.batch(id), job.owner == owner(request) else {
            throw ClientError(404, "no such batch: \(id)")
        }
        return job
    }

    private func create(_ request: HTTPRequest) throws(ClientError) -> HTTPResponse {
        guard let root = try? JSONParser().parse(request.body).root, root.kind == .object else {
            throw ClientError(400, "the body is not a JSON object")
        }
        let endpoint = root["endpoint"]?.string ?? ""
        guard RequestBuilder.Endpoint.allCases.contains(where: { $0.dialect.batchURL == endpoint }) else {
            throw ClientError(400, "no endpoint of a batch: \(endpoint)")
        }
        let input = root["input_file_id"]?.string ?? ""
        guard shelf.file(input, of: owner(request)) != nil else { throw ClientError(400, "no such file: \(input)") }
        var job = BatchJob(
            id: BatchShelf.newID("batch_"), owner: owner(request), endpoint: endpoint, inputFile: input,
            created: Int(wallClockSeconds()))
        job.metadata = BatchJob.labels(root["metadata"])
        try Self.storing { () throws(RetortError) in try shelf.keep(job) }
        runner.submit(job.id)
        return .json(job.tree.line)
    }

    private func cancel(_ request: HTTPRequest) throws(ClientError) -> HTTPResponse {
        var job = try batch(request)
        guard !job.status.isOver else { throw ClientError(409, "the batch is \(job.status.rawValue)") }
        job.status = job.status == .validating ? .cancelled : .cancelling
        job.changed = Int(wallClockSeconds())
        try Self.storing { () throws(RetortError) in try shelf.keep(job) }
        runner.cancel(job.id)
        return .json(job.tree.line)
    }

    /// A page of a list, newest first: `limit` entries after the one that `after` names.
    private func list(_ entries: [(id: String, tree: JSONTree)], _ request: HTTPRequest) -> HTTPResponse {
        let wanted = request.queryValue("limit").flatMap { Int($0) } ?? Self.listCount
        let after = request.queryValue("after").flatMap { id in entries.firstIndex { $0.id == id } }
        let rest = entries.dropFirst(after.map { $0 + 1 } ?? 0)
        let page = rest.prefix(min(max(1, wanted), Self.listCountMax))
        let tree = JSONTree.object([
            .init("object", .text("list")), .init("data", .list(page.map(\.tree))),
            .init("first_id", page.first.map { .text($0.id) } ?? .null),
            .init("last_id", page.last.map { .text($0.id) } ?? .null),
            .init("has_more", .boolean(page.count < rest.count)),
        ])
        return .json(tree.line)
    }
}
