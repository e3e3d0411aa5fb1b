package import Basics
package import JSONText
import ModelAPI
package import SegmentStore

/// How a retry's requests announce the store's schema. A stored request contains the schema of the time when it was
/// made; the store may have another one since.
package struct ToldSchema: Sendable {
    /// One way in which a stored request may announce a schema.
    private struct Way: Sendable {
        var members: [BodyMember]
        var override: RequestOverride
    }

    private let ways: [Way]
    /// Instructions that requests may contain, and their replacements.
    private var oldInstructions: [[UInt8]] = []
    private var newInstructions: [UInt8] = []

    /// The beginning of every member that announces a schema, whatever the schema is.
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

    /// The schema of the store with this manifest.
    package init?(_ settings: RunSettings, of manifest: StoreManifest) throws(RetortError) {
        try self.init(settings, stored: manifest.job, instructions: ToldInstructions(of: manifest))
    }

    /// Nil if answers are not checked, or if the job has its own `response_format`.
    package init?(
        _ settings: RunSettings, stored job: [String: String], instructions: ToldInstructions? = nil
    ) throws(RetortError) {
        guard let check = settings.check, job["response_format"] == nil else { return nil }
        var ways: [Way] = []
        let dialect = settings.endpoint.dialect
        for means in dialect.schemaMeans where means != .prompt && means != .none {
            var parameters = RequestParameters(model: "")
            try check.tell(by: means, in: &parameters, endpoint: settings.endpoint)
            // A parameter that the user set is not changed.
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

    /// The body with its announced schema replaced by the store's. Nil if nothing changes.
    package func applied(to body: [UInt8], with parser: JSONParser) -> [UInt8]? {
        for old in oldInstructions {
            if let changed = AddedInstructions.replacing(old, by: newInstructions, in: body) { return changed }
        }
        guard let root = try? parser.parse(body).root else { return nil }
        let way = ways.first { way in way.members.contains { Self.tells(root, of: $0) } }
        return way?.override.applied(to: body, with: parser)
    }

    /// Whether this member of a request announces another schema.
    private static func tells(_ root: JSONValue, of member: BodyMember) -> Bool {
        guard let value = root.member(Array(member.name.utf8)) else { return false }
        let told = value.raw
        // Settings of the row or the job beside the schema must not be lost.
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
