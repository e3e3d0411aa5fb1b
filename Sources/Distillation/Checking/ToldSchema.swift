package import Basics
package import JSONText
import ModelAPI
package import SegmentStore

/// How a retry's requests tell the server of the store's schema. A stored request tells of the schema that the store had
/// when it was made; it may have another one since.
package struct ToldSchema: Sendable {
    /// One way in which a stored request may tell of a schema.
    private struct Way: Sendable {
        var members: [BodyMember]
        var override: RequestOverride
    }

    private let ways: [Way]
    /// Instructions that requests may hold, and those that take their place.
    private var oldInstructions: [[UInt8]] = []
    private var newInstructions: [UInt8] = []

    /// What every member that tells of a schema begins with, whatever the schema is.
    private static let heads: [(name: String, head: [UInt8])] = [
        ("response_format", #"{"type":"json_schema","json_schema":{"name":"answer","strict":"#),
        ("response_format", #"{"type":"json_object"}"#),
        ("output_config", #"{"format":{"type":"json_schema","schema":"#),
        ("text", #"{"format":{"type":"json_schema","name":"answer","strict":"#),
        ("text", #"{"format":{"type":"json_object"}"#),
        ("tools", #"[{"type":"function","function":{"name":"\#(AnswerTool.name)","#),
        ("tools", #"[{"type":"function","name":"\#(AnswerTool.name)","#),
        ("tools", #"[{"name":"\#(AnswerTool.name)","#),
        ("structured_outputs", #"{"json":"#), ("structured_outputs", #"{"json_object":true}"#),
        ("guided_json", "{"),
    ].map { ($0, Array($1.utf8)) }

    /// That of the store of this manifest.
    package init?(_ settings: RunSettings, of manifest: StoreManifest) throws(RetortError) {
        try self.init(settings, stored: manifest.job, instructions: ToldInstructions(of: manifest))
    }

    /// Nil where answers are not checked, or where the job has a `response_format` of its own.
    package init?(
        _ settings: RunSettings, stored job: [String: String], instructions: ToldInstructions? = nil
    ) throws(RetortError) {
        guard let check = settings.check, job["response_format"] == nil else { return nil }
        var ways: [Way] = []
        let dialect = settings.endpoint.dialect
        for means in dialect.schemaMeans where means != .prompt && means != .none {
            var parameters = RequestParameters(model: "")
            try check.tell(by: means, in: &parameters, endpoint: settings.endpoint)
            // A parameter of the user's own is not ours to change.
            let isOwn = parameters.extra.contains { job["param"]?.contains("\($0.name)=") ?? false }
            if isOwn { continue }
            ways.append(
                Way(
                    members: try dialect.members(of: parameters, defaults: false),
                    override: try RequestOverride(parameters, endpoint: settings.endpoint)))
        }
        self.ways = ways
        if let instructions {
            newInstructions = SchemaInstructions(template: instructions.template).text(check.schema)
            let new = newInstructions
            oldInstructions = instructions.texts.map { Array($0.utf8) }.filter { $0 != new }
        }
    }

    /// The body with the store's schema in place of another one that it tells of. Nil where it is to stay as it is.
    package func applied(to body: [UInt8], with parser: JSONParser) -> [UInt8]? {
        for old in oldInstructions {
            if let changed = AddedInstructions.replacing(old, by: newInstructions, in: body) { return changed }
        }
        guard let root = try? parser.parse(body).root else { return nil }
        let way = ways.first { way in way.members.contains { Self.tells(root, of: $0) } }
        return way?.override.applied(to: body, with: parser)
    }

    /// Whether a request tells of another schema by this member.
    private static func tells(_ root: JSONValue, of member: BodyMember) -> Bool {
        guard let value = root.member(Array(member.name.utf8)) else { return false }
        let told = value.raw
        // What the row or the job says beside the schema must not be lost.
        let isAlone =
            switch member.name {
            case "text", "output_config", "structured_outputs": value.members.count == 1
            case "tools": value.elements.count == 1
            default: true
            }
        return isAlone && !told.elementsEqual(member.value)
            && heads.contains { $0.name == member.name && told.starts(with: $0.head) }
    }
}
