/// A prompt that asks a chat for the text between two others.
enum InfillPrompt {
    /// A JSON string token, made of the two texts.
    static func token(_ prefix: ArraySlice<UInt8>, _ suffix: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        (ask + prefix.dropFirst().dropLast() + gap + suffix.dropFirst().dropLast() + end)[...]
    }

    /// The texts before and after the gap in such a prompt; nil for another prompt.
    static func sides(of prompt: [UInt8]) -> (before: [UInt8], after: [UInt8])? {
        let marks = ["<PREFIX>", "</PREFIX>\n<SUFFIX>", "</SUFFIX>"].map { Array($0.utf8) }
        guard let start = prompt.firstRange(of: marks[0]),
            let middle = prompt[start.upperBound...].firstRange(of: marks[1]), prompt.count >= marks[2].count,
            prompt.suffix(marks[2].count).elementsEqual(marks[2]), middle.upperBound <= prompt.count - marks[2].count
        else { return nil }
        return (
            Array(prompt[start.upperBound..<middle.lowerBound]),
            Array(prompt[middle.upperBound..<prompt.count - marks[2].count])
        )
    }

    private static let ask = Array(
        (#""Write the text that belongs between PREFIX and SUFFIX. Answer with that text alone, without quotes or "#
            + #"fences, so that prefix, answer and suffix read as one.\n\n<PREFIX>"#).utf8)
    private static let gap = Array(#"</PREFIX>\n<SUFFIX>"#.utf8)
    private static let end = Array(#"</SUFFIX>""#.utf8)
}
