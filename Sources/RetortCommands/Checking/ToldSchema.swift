import Basics
import JSONText
import ModelAPI

/// How a retry's requests tell the server of the store's schema. A stored request tells of the schema that the store had
/// when it was made; it may have another one since.
struct ToldSchema: Sendable {
    private let members: [BodyMember]
    private let override: RequestOverride

    /// What every member that tells of a schema begins with, whatever the schema is.
    private static let heads: [(name: String, head: [UInt8])] = [
        ("response_format", Array(#"{"type":"json_schema","json_schema":{"name":"answer","strict":"#.utf8)),
        ("response_format", Array(#"{"type":"json_object"}"#.utf8)),
        ("output_config", Array(#"{"format":{"type":"json_schema","schema":"#.utf8)),
        ("text", Array(#"{"format":{"type":"json_schema","name":"answer","strict":"#.utf8)),
        ("text", Array(#"{"format":{"type":"json_object"}"#.utf8)),
    ]

    /// Nil where answers are not checked, or where the job has a `response_format` of its own.
    init?(_ settings: RunSettings, stored job: [String: String]) throws(RetortError) {
        guard let check = settings.check, job["response_format"] == nil else { return nil }
        var parameters = RequestParameters(model: "")
        try check.ask(in: &parameters, endpoint: settings.endpoint)
        members = try settings.endpoint.dialect.members(of: parameters, defaults: false)
        override = try RequestOverride(parameters, endpoint: settings.endpoint)
    }

    /// The body with the store's schema in place of another one that it tells of. Nil where it is to stay as it is.
    func applied(to body: [UInt8], with parser: JSONParser) -> [UInt8]? {
        guard let root = try? parser.parse(body).root else { return nil }
        let isOther = members.contains { member in
            guard let value = root.member(Array(member.name.utf8)) else { return false }
            let told = value.raw
            // What the row or the job says beside the schema must not be lost.
            let isAlone = member.name == "response_format" || value.members.count == 1
            return isAlone && !told.elementsEqual(member.value)
                && Self.heads.contains { $0.name == member.name && told.starts(with: $0.head) }
        }
        return isOther ? override.applied(to: body, with: parser) : nil
    }
}
