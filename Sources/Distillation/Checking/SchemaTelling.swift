package import Basics
package import CommandLine
import JSONSchema
package import ModelAPI

/// How requests announce the schema to the server: `--schema-by`, `--schema-prompt`, `--strict-schema`.
package struct SchemaTelling: Sendable {
    /// Nil: the server is probed.
    package var means: SchemaMeans?
    package var instructions = SchemaInstructions()
    /// Whether a schema that OpenAI's strict mode rejects is an error before the run begins.
    package var wantsStrict = false

    /// The value of `--schema-by` for probing.
    package static let auto = "auto"

    package init(means: SchemaMeans? = .responseFormat) { self.means = means }

    /// Throws `.usage` for contradictory options.
    package init(_ command: ParsedCommand, _ check: AnswerCheck?) throws(RetortError) {
        means = SchemaMeans(rawValue: command.string("schema-by"))
        wantsStrict = command.flag("strict-schema")
        for name in ["schema-by", "schema-prompt", "strict-schema"] where command.isGiven(name) && check == nil {
            throw RetortError(
                .usage, "--\(name) says how a schema is sent, but there is none",
                remedy: "Add --schema FILE, --fields LIST or --json, or leave --\(name) out.")
        }
        if means == nil, check?.schema == nil, check != nil {
            throw RetortError(
                .usage, "--schema-by auto needs a schema to probe the server with",
                remedy: "Add --schema FILE or --fields LIST, or name a way: --schema-by response-format.")
        }
        if let path = command.stringIfSet("schema-prompt") {
            guard means == .prompt || means == nil else {
                throw RetortError(
                    .usage, "--schema-prompt goes with --schema-by prompt or auto", remedy: "Add --schema-by prompt.")
            }
            instructions = try SchemaInstructions(load: path, hasSchema: check?.schema != nil)
        }
        if wantsStrict, check?.schema == nil || means.map(\.hasStrictMode) == false {
            throw RetortError(
                .usage, "--strict-schema needs a schema that is sent by response-format or tool",
                remedy: "Leave it out, or give --schema FILE and --schema-by response-format.")
        }
    }

    // MARK: OpenAI's strict mode

    /// Maximum problems in a message.
    private static let problemsShownMax = 5

    private func problems(_ check: AnswerCheck?, _ endpoint: RequestBuilder.Endpoint) throws(RetortError) -> [String] {
        guard let schema = check?.schema, endpoint.dialect.provider == .openAI, means?.hasStrictMode ?? true else {
            return []
        }
        return try StrictSubset.problems(in: schema).map(\.description)
    }

    private static func list(_ problems: [String]) -> String {
        let rest = problems.count - problemsShownMax
        return problems.prefix(problemsShownMax).joined(separator: "; ") + (rest > 0 ? "; and \(rest) more" : "")
    }

    /// Throws `.configuration` with the places in the schema that strict mode would reject, if strictness is requested.
    package func checkStrict(_ check: AnswerCheck?, _ endpoint: RequestBuilder.Endpoint) throws(RetortError) {
        guard wantsStrict else { return }
        guard endpoint.dialect.provider == .openAI else {
            throw RetortError(
                .usage, "\(endpoint.dialect.name) have no strict mode of OpenAI's", remedy: "Leave --strict-schema out."
            )
        }
        let problems = try problems(check, endpoint)
        guard !problems.isEmpty else { return }
        throw RetortError(
            .configuration, "OpenAI's strict mode would refuse the schema", at: check?.name, cause: Self.list(problems),
            remedy:
                "Change these places, or leave --strict-schema out: then the schema is sent with strict: false, and "
                + "answers are checked here all the same.")
    }

    /// A warning before the first request; nil if the schema is sent strictly or by other means.
    package func remark(_ check: AnswerCheck?, _ endpoint: RequestBuilder.Endpoint) -> String? {
        guard let problems = try? problems(check, endpoint), !problems.isEmpty else { return nil }
        return
            "the schema is sent with strict: false, since OpenAI's strict mode would refuse it: \(Self.list(problems)). "
            + "Answers are checked here all the same; --strict-schema stops instead."
    }
}
