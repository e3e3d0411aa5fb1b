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

    /// The longest id accepted.
    public static let idBytesMax = 1024

    /// The row's own id: the bytes that its `id`, `custom_id` or `uid` means, a number as its text. In a batch row
    /// `custom_id` comes first. Nil when there is none, or only null or empty ones.
    public var explicitID: [UInt8]?
    public var shape: Shape
    /// The row's other members as a JSON object, in their order. Of a row rendered by a template: all but the id.
    public var metadata: [UInt8]

    public init(explicitID: [UInt8]?, shape: Shape, metadata: [UInt8]) {
        self.explicitID = explicitID
        self.shape = shape
        self.metadata = metadata
    }
}
