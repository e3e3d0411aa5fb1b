/// The name of a request within its batch: its index, the batch's mark and as much of the row's id as fits. All
/// providers accept it: Anthropic requires 1 to 64 characters of `A-Z a-z 0-9 _ -`.
public enum CustomID {
    public static let lengthMax = 64

    /// - Parameter mark: identifies the batch to which a result belongs.
    public static func text(number: Int, mark: String, id: [UInt8], sample: Int) -> String {
        var text = "\(number)-\(mark)-"
        let end = sample > 0 ? "-\(sample)" : ""
        for byte in id.prefix(max(0, lengthMax - text.utf8.count - end.utf8.count)) {
            text.unicodeScalars.append(isPlain(byte) ? Unicode.Scalar(byte) : "_")
        }
        return text + end
    }

    /// The index within the batch; nil if the name does not belong to the batch.
    public static func number(_ text: String, mark: String) -> Int? {
        let parts = text.split(separator: "-", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[1] == mark, let number = Int(parts[0]), number >= 0, String(number) == parts[0]
        else { return nil }
        return number
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
