/// A prompt that asks a chat for the text between two others.
enum InfillPrompt {
    /// A JSON string token, made of two.
    static func token(_ prefix: ArraySlice<UInt8>, _ suffix: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        (ask + prefix.dropFirst().dropLast() + gap + suffix.dropFirst().dropLast() + end)[...]
    }

    private static let ask = Array(
        (#""Write the text that belongs between PREFIX and SUFFIX. Answer with that text alone, without quotes or "#
            + #"fences, so that prefix, answer and suffix read as one.\n\n<PREFIX>"#).utf8)
    private static let gap = Array(#"</PREFIX>\n<SUFFIX>"#.utf8)
    private static let end = Array(#"</SUFFIX>""#.utf8)
}
