/// A row that has been understood: what to ask, under which id, and what else the row held.
///
/// All JSON in it is spliced from the row as it was written, never decoded and encoded again, so numbers keep their
/// spelling and lone surrogates survive. Slices keep the row's bytes alive.
public struct PromptRow: Sendable, Hashable {
    /// What to ask of the model.
    public enum Shape: Sendable, Hashable {
        /// A non-empty JSON array of messages, each an object with a role.
        case chat(messages: ArraySlice<UInt8>)
        /// A JSON string token, quotes included.
        case prompt(ArraySlice<UInt8>)
        /// Two JSON string tokens: what stands before and behind the gap to fill.
        case fill(prefix: ArraySlice<UInt8>, suffix: ArraySlice<UInt8>)
        /// A row of OpenAI's Batch format: a request body, a JSON object to be sent as it is, and the path it is for
        /// if the row names one (`/v1/chat/completions`).
        case batch(url: String?, body: ArraySlice<UInt8>)
    }

    /// A member of the request that the row asks for itself, in OpenAI's names.
    public struct Member: Sendable, Hashable {
        public var name: String
        /// Its JSON value.
        public var value: ArraySlice<UInt8>

        public init(name: String, value: ArraySlice<UInt8>) {
            self.name = name
            self.value = value
        }
    }

    /// What is worth saying of how a row was read.
    public struct Remarks: OptionSet, Sendable, Hashable {
        public var rawValue: Int

        public init(rawValue: Int) { self.rawValue = rawValue }

        /// The answer at the end of a conversation is not sent.
        public static let answerLeftOut = Remarks(rawValue: 1)
        /// The `completion` beside the prompt is not sent.
        public static let completionLeftOut = Remarks(rawValue: 2)
        /// What the row says beside its prompt is not sent, as in earlier versions.
        public static let membersLeftOut = Remarks(rawValue: 8)
        /// It is a record of a store.
        public static let isRecord = Remarks(rawValue: 4)
    }

    /// The longest id accepted.
    public static let idBytesMax = 1024

    /// The members that `members` may name, and `system`: what `--metadata-only` can hold back.
    public static let memberNames: [String] =
        (RowFieldSet.sent + [.system, .suffix]).map(\.name).sorted()

    /// The row's own id: the bytes that its `id`, `custom_id` or `uid` means, a number as its text. In a batch row
    /// `custom_id` comes first. Nil when there is none, or only null or empty ones. Of a record whose sample is not the
    /// first: `id#sample`.
    public var explicitID: [UInt8]?
    public var shape: Shape
    /// The row's other members as a JSON object, in their order, those of `members` too. Of a row rendered by a template:
    /// all but the id. Of a record its own metadata.
    public var metadata: [UInt8]
    /// What the row asks for itself beside its shape.
    public var members: [Member]
    /// The model that the row names, a batch row in its body.
    public var model: String?
    /// The longest answer that the row asks for itself, in tokens.
    public var completionTokensMax: Int?
    public var remarks: Remarks
    /// The row as it was written, a JSON object, where rows are to share requests; else empty.
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
