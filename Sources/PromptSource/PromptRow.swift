/// A parsed row: the prompt, the id, and what else the row holds.
///
/// All its JSON is copied from the row as written, never decoded and encoded again, so numbers keep their spelling and
/// lone surrogates survive. Slices keep the row's bytes alive.
public struct PromptRow: Sendable, Hashable {
    /// The form of the prompt.
    public enum Shape: Sendable, Hashable {
        /// A non-empty JSON array of messages, each an object with a role.
        case chat(messages: ArraySlice<UInt8>)
        /// A JSON string token, quotes included.
        case prompt(ArraySlice<UInt8>)
        /// Two JSON string tokens: the text before and after the gap to fill.
        case fill(prefix: ArraySlice<UInt8>, suffix: ArraySlice<UInt8>)
        /// A row of OpenAI's Batch format: a request body, which is a JSON object to be sent as written, and its path
        /// (`/v1/chat/completions`) if the row names one.
        case batch(url: String?, body: ArraySlice<UInt8>)
    }

    /// A request member that the row sets, under its OpenAI name.
    public struct Member: Sendable, Hashable {
        public var name: String
        /// Its JSON value.
        public var value: ArraySlice<UInt8>

        public init(name: String, value: ArraySlice<UInt8>) {
            self.name = name
            self.value = value
        }
    }

    /// Facts about how a row was read that are worth reporting.
    public struct Remarks: OptionSet, Sendable, Hashable {
        public var rawValue: Int

        public init(rawValue: Int) { self.rawValue = rawValue }

        /// The answer at the end of a conversation is not sent.
        public static let answerLeftOut = Remarks(rawValue: 1)
        /// The `completion` beside the prompt is not sent.
        public static let completionLeftOut = Remarks(rawValue: 2)
        /// The row's request members are not sent, as in earlier versions.
        public static let membersLeftOut = Remarks(rawValue: 8)
        /// It is a record of a store.
        public static let isRecord = Remarks(rawValue: 4)
    }

    /// Maximum bytes of an id.
    public static let idBytesMax = 1024

    /// The members that `members` may contain, and `system`: what `--metadata-only` can hold back.
    public static let memberNames: [String] =
        (RowFieldSet.sent + [.system, .suffix]).map(\.name).sorted()

    /// The row's own id: the decoded value of `id`, `custom_id` or `uid`, a number as its text. In a batch row
    /// `custom_id` has precedence. Nil when the row has no id, or only null or empty ones. For a record whose sample is
    /// not the first: `id#sample`.
    public var explicitID: [UInt8]?
    public var shape: Shape
    /// The row's other members as a JSON object, in their order, including those of `members`. For a row rendered by a
    /// template: all members except the id. For a record: its own metadata.
    public var metadata: [UInt8]
    /// Request members that the row sets beside its prompt.
    public var members: [Member]
    /// The model that the row names; for a batch row, the one in its body.
    public var model: String?
    /// The row's own maximum of answer tokens.
    public var completionTokensMax: Int?
    public var remarks: Remarks
    /// The row as written, a JSON object, if rows may share requests; else empty.
    public var text: [UInt8] = []

    public init(
        explicitID: [UInt8]?, shape: Shape, metadata: [UInt8], members: [Member] = [], model: String? = nil,
        completionTokensMax: Int? = nil, remarks: Remarks = []
    ) {
        self.explicitID = explicitID
        self.shape = shape
        self.metadata = metadata
        self.members = members
        self.model = model
        self.completionTokensMax = completionTokensMax
        self.remarks = remarks
    }
}
