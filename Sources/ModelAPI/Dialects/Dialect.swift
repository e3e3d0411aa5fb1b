public import Basics
public import JSONText

/// One API of a provider: where requests are sent, with which key, and the form of a body.
///
/// A new one is a type in a file of its own, a case of `RequestBuilder.Endpoint`, and a table of expected bodies in the
/// tests. Everything else is common: answers, streams and errors are parsed by what they look like.
public protocol Dialect: Sendable {
    /// The provider. A row for one provider's API is not sent to another's.
    var provider: Provider { get }
    /// The API's name in messages: `plain completions`.
    var name: String { get }
    /// The path after the base URL, which ends in `/v1` for OpenAI's endpoints by convention.
    var path: String { get }
    /// The `url` of a batch row that has none.
    var batchURL: String { get }
    /// The server and the headers.
    var access: APIAccess { get }

    /// The member of a body that contains the prompt.
    var inputMember: String { get }
    /// Whether a prompt is a text to be continued. Otherwise it is a user's turn.
    var continuesPrompts: Bool { get }
    /// The members that can limit the tokens of an answer.
    var tokenLimits: [String] { get }
    /// Object members in which a row's parts override the run's, one by one.
    var mergedMembers: Set<String> { get }

    /// The members for the parameters, each name once. `defaults` adds members that the API requires or that are better
    /// set explicitly; they are omitted where only the user's own count.
    ///
    /// Throws `.configuration` for a parameter that has no form here.
    func members(of parameters: RequestParameters, defaults: Bool) throws(RetortError) -> [BodyMember]

    /// A row's own members, given under the names of OpenAI's chat, under the names of this API.
    ///
    /// Throws `.configuration` for one that has no form here.
    func members(ofRow members: [BodyMember], with parser: JSONParser) throws(RetortError) -> [BodyMember]

    /// The body: the head's members and the row's prompt. Not called for batch rows, which are sent unchanged.
    ///
    /// Throws `.configuration` for a row that has no form here.
    func body(_ input: RequestInput, _ head: BodyHead, with parser: JSONParser) throws(RetortError) -> [UInt8]

    /// Announces the schema with the API's own parameter, unless the parameters already have one: JSON that fits
    /// `schema`, or any JSON object. `isStrict`: whether the schema is within the subset that OpenAI's strict mode
    /// accepts.
    func tell(schema: [UInt8]?, isStrict: Bool, in parameters: inout RequestParameters)

    /// The members that request a stream that ends with its usage.
    var streamMembers: [(name: String, value: [UInt8])] { get }

    /// Whether one request can ask for several answers, with `n`.
    var hasChoices: Bool { get }

    /// The members that offer the model one tool, `AnswerTool`, and force its call; nil if the API has no tools.
    func forcedTool(_ schema: [UInt8], isStrict: Bool) -> [(name: String, value: [UInt8])]?
}

/// The provider of a dialect.
public enum Provider: String, Sendable {
    case openAI = "OpenAI"
    case anthropic = "Anthropic"
}

extension Dialect {
    public var hasChoices: Bool { false }

    public var continuesPrompts: Bool { false }
    public var mergedMembers: Set<String> { [] }
    public var streamMembers: [(name: String, value: [UInt8])] { [("stream", Array("true".utf8))] }

    /// OpenAI's chat and completions report usage in a stream only if requested.
    static var streamWithUsage: [(name: String, value: [UInt8])] {
        [("stream", Array("true".utf8)), ("stream_options", Array(#"{"include_usage":true}"#.utf8))]
    }

    public func tell(schema: [UInt8]?, isStrict: Bool, in parameters: inout RequestParameters) {
        guard parameters.responseFormat == nil else { return }
        guard let schema else {
            parameters.responseFormat = Array(#"{"type":"json_object"}"#.utf8)
            return
        }
        let head = #"{"type":"json_schema","json_schema":{"name":"answer","strict":\#(isStrict),"schema":"#
        parameters.responseFormat = Array(head.utf8) + schema + Array("}}".utf8)
    }

    /// The error for a row with a member that has no form in this API.
    func noPlace(for member: String) -> RetortError {
        RetortError(
            .configuration, "the row's \(member) has no form in \(name)",
            remedy:
                "Leave it out of the row, or give --metadata-only \(member) if it is a label that is not to be sent.")
    }
}
