public import Basics
public import JSONText

/// What one API of a provider wants: where requests go, which key they carry, and what a body looks like.
///
/// A new one is a type in a file of its own, a case of `RequestBuilder.Endpoint`, and a table of expected bodies among the
/// tests. What is not said here is the same for all: answers, streams and errors are read by what they look like.
public protocol Dialect: Sendable {
    /// Whose API it is. A row for one provider's API is not sent to another's.
    var provider: Provider { get }
    /// The API's name in messages: `plain completions`.
    var name: String { get }
    /// Below the base URL, which ends in `/v1` for OpenAI's endpoints by custom.
    var path: String { get }
    /// The `url` of a batch row that names none.
    var batchURL: String { get }
    /// The server and the headers.
    var access: APIAccess { get }

    /// The member of a body that holds what is asked.
    var inputMember: String { get }
    /// Whether a prompt is a text to be continued. Otherwise it is a user's turn.
    var continuesPrompts: Bool { get }
    /// The members that can limit the tokens of an answer.
    var tokenLimits: [String] { get }
    /// Members that are objects and of which a row's parts win over the run's, one by one.
    var mergedMembers: Set<String> { get }

    /// The members that the parameters become, each name once. With `defaults` also those that the API needs or that are
    /// better said: they are left out where only what was asked for counts.
    ///
    /// Throws `.configuration` for a parameter that has no form here.
    func members(of parameters: RequestParameters, defaults: Bool) throws(RetortError) -> [BodyMember]

    /// A row's own members, given in the names of OpenAI's chat, in the names of this API.
    ///
    /// Throws `.configuration` for one that has no form here.
    func members(ofRow members: [BodyMember], with parser: JSONParser) throws(RetortError) -> [BodyMember]

    /// The body: the head's members and what the row asks. A batch row never comes here: it is sent as it is.
    ///
    /// Throws `.configuration` for a row that has no form here.
    func body(_ input: RequestInput, _ head: BodyHead, with parser: JSONParser) throws(RetortError) -> [UInt8]

    /// Tells the server what the answer must be by its own parameter for that, unless the parameters say something of
    /// their own: JSON that fits `schema`, or any JSON object. `isStrict` where the schema is of the part that OpenAI's API takes strictly.
    func tell(schema: [UInt8]?, isStrict: Bool, in parameters: inout RequestParameters)

    /// The members by which a request asks for a stream that ends with what it has used.
    var streamMembers: [(name: String, value: [UInt8])] { get }

    /// Whether one request can ask for several answers, by `n`.
    var hasChoices: Bool { get }

    /// The members that offer the model one tool, `AnswerTool`, and make it call that; nil where the API has no tools.
    func forcedTool(_ schema: [UInt8], isStrict: Bool) -> [(name: String, value: [UInt8])]?
}

/// Whose API a dialect is.
public enum Provider: String, Sendable {
    case openAI = "OpenAI"
    case anthropic = "Anthropic"
}

extension Dialect {
    public var hasChoices: Bool { false }

    public var continuesPrompts: Bool { false }
    public var mergedMembers: Set<String> { [] }
    public var streamMembers: [(name: String, value: [UInt8])] { [("stream", Array("true".utf8))] }

    /// OpenAI's chat and completions say what they have used where they are asked to.
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

    /// The error of a row whose member has no form in this API.
    func noPlace(for member: String) -> RetortError {
        RetortError(
            .configuration, "the row's \(member) has no form in \(name)",
            remedy:
                "Leave it out of the row, or give --metadata-only \(member) if it is a label that is not to be sent.")
    }
}
