package import Basics
import CommandLine
package import PromptSource

/// A note about text files before they are read: each line is a prompt, which is probably not intended for documents.
package enum InputAnnouncement {
    /// Maximum bytes read to count lines.
    package static let bytesMax: UInt64 = 256 << 20

    /// Nil for other inputs, and if the files were named one by one.
    package static func line(_ input: InputSet, _ operands: [String]) throws(RetortError) -> String? {
        let texts = input.files.filter { $0.format == .text }
        guard texts.count > 1, input.files.count > operands.count, input.isRepeatable else { return nil }
        let others = input.files.count - texts.count
        let files = "\(Human.count(texts.count)) text files"
        guard others == 0, texts.reduce(0, { $0 &+ $1.size }) <= bytesMax else {
            return "\(files), one prompt per line"
        }
        let reader = RowReader(input)
        while try reader.next() != nil {}
        return "\(files), \(Human.count(Int(clamping: reader.landmark.row))) prompts, one per line"
    }
}
