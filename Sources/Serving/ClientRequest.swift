import Basics
package import Distillation
package import HTTPServer
package import JSONText
package import ModelAPI
import PromptSource

/// A client's request, parsed as far as Retort needs it.
package struct ClientRequest: Sendable {
    package let endpoint: RequestBuilder.Endpoint
    package let request: ModelRequest
    /// A fingerprint of the body's values and the path.
    package let fingerprint: UInt64
    package let model: String?
    package let temperature: Double?
    package let isStream: Bool
    package let completionTokensMax: Int?
    /// The client's own id for it (`X-Retort-Id`), and the key by which repetitions are recognised (`Idempotency-Key`).
    package let id: [UInt8]?
    package let idempotencyKey: [UInt8]?

    package init(
        _ http: HTTPRequest, _ endpoint: RequestBuilder.Endpoint, _ builder: RequestBuilder, _ parser: JSONParser
    )
        throws(ClientError)
    {
        try self.init(
            body: http.body, endpoint, builder, parser, id: try Self.name(http, "x-retort-id"),
            idempotencyKey: try Self.name(http, "idempotency-key"), headers: try Self.passedOn(http))
    }

    package init(
        body: [UInt8], _ endpoint: RequestBuilder.Endpoint, _ builder: RequestBuilder, _ parser: JSONParser,
        id: [UInt8]?, idempotencyKey: [UInt8]? = nil, headers: [(name: String, value: String)] = []
    ) throws(ClientError) {
        let root: JSONValue
        do throws(JSONError) { root = try parser.parse(body).root } catch {
            throw ClientError(400, "the body is not JSON: \(error)")
        }
        guard root.kind == .object else { throw ClientError(400, "the body is not a JSON object") }
        self.endpoint = endpoint
        self.id = id
        self.idempotencyKey = idempotencyKey
        var request = ModelRequest(path: endpoint.dialect.path, body: body)
        request.headers = headers
        self.request = request
        model = root["model"]?.string
        temperature = root["temperature"]?.double
        isStream = root["stream"]?.bool ?? false
        completionTokensMax = request.completionTokensMax(in: root)
        let values = builder.fingerprint(request, with: parser)
        let asked = [request.path] + headers.map { "\($0.name): \($0.value)" }
        fingerprint = Array(asked.joined(separator: "\n").utf8).withUnsafeBytes { ContentHash.hash64($0, seed: values) }
    }

    /// The record's id if the client gives none.
    package var name: String { Hexadecimal.string(fingerprint) }

    /// Request headers that are passed on: they select features of the API.
    package static let passedOn = ["anthropic-beta", "openai-beta"]

    private static func passedOn(_ http: HTTPRequest) throws(ClientError) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        for header in http.headers where passedOn.contains(header.name) {
            guard header.value.utf8.count <= PromptRow.idBytesMax,
                header.value.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
            else { throw ClientError(400, "the header \(header.name) is too long or has other letters than ASCII") }
            if !header.value.isEmpty { headers.append(header) }
        }
        return headers
    }

    private static func name(_ http: HTTPRequest, _ header: String) throws(ClientError) -> [UInt8]? {
        guard let text = http.header(header), !text.isEmpty else { return nil }
        let bytes = Array(text.utf8)
        guard bytes.count <= PromptRow.idBytesMax, bytes.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw ClientError(
                400, "the header \(header) is longer than \(PromptRow.idBytesMax) bytes or has other letters than ASCII"
            )
        }
        return bytes
    }
}

extension ReusePolicy {
    package func applies(to request: ClientRequest) -> Bool { applies(temperature: request.temperature) }
}
