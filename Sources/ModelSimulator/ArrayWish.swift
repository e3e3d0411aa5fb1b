import Glibc
import JSONText

/// A prompt that requests a JSON array with one element for each of several numbered items, as `--items-per-request`
/// words it.
struct ArrayWish {
    let count: Int
    /// The line of each item, if it was found: UTF-8, without its number.
    let lines: [ArraySlice<UInt8>]
    /// The schema of an element.
    let schema: JSONValue?

    private static let mark = Array("JSON array of exactly ".utf8)
    private static let schemaMark = Array("JSON Schema: ".utf8)
    private static let countMax = 1000
    /// Maximum bytes of an item's line that an answer repeats.
    private static let lineBytesMax = 160

    /// - Parameter topic: the last text of the prompt, the inside of a JSON string.
    init?(_ topic: ArraySlice<UInt8>) {
        guard topic.place(of: Self.mark) != nil else { return nil }
        let text = JSONString.unescape(topic)[...]
        guard let demand = text.place(of: Self.mark) else { return nil }
        let digits = text[(demand + Self.mark.count)...].prefix { (0x30...0x39).contains($0) }
        guard let count = Int(String(decoding: digits, as: UTF8.self)), (1...Self.countMax).contains(count) else {
            return nil
        }
        self.count = count
        var lines: [ArraySlice<UInt8>] = []
        for line in text[..<demand].split(separator: 0x0A) {
            let number = Array("\(lines.count + 1). ".utf8)
            if line.starts(with: number) { lines.append(line.dropFirst(number.count).prefix(Self.lineBytesMax)) }
        }
        // A single item may come without a number.
        if lines.isEmpty, count == 1, let line = text.split(separator: 0x0A).first {
            lines = [line.prefix(Self.lineBytesMax)]
        }
        self.lines = lines
        let rest = text[demand...]
        schema = rest.place(of: Self.schemaMark).flatMap {
            try? JSONParser().parse(rest[($0 + Self.schemaMark.count)...]).root
        }
    }

    /// Elements in the order of the items: each repeats its item's line or matches the schema.
    func text(_ prose: (inout SplitMix64) -> [UInt8], _ random: inout SplitMix64) -> [UInt8] {
        var output: [UInt8] = [UInt8(ascii: "[")]
        for number in 0..<count {
            if number > 0 { output.append(UInt8(ascii: ",")) }
            let line = lines.count > number ? lines[number] : []
            if let schema {
                output += SchemaInstance(root: schema, words: TextGenerator.words(of: line)).text(&random)
                continue
            }
            output.append(text: #"{"item":"#)
            output.append(decimal: number + 1)
            output.append(text: #","line":"#)
            JSONString.append(line, to: &output)
            output.append(text: #","text":"#)
            JSONString.append(prose(&random), to: &output)
            output.append(text: "}")
        }
        return output + [UInt8(ascii: "]")]
    }
}

extension ArraySlice<UInt8> {
    /// The start of the last occurrence of another text; nil if there is none.
    fileprivate func place(of other: [UInt8]) -> Int? {
        withUnsafeBytes { bytes in
            other.withUnsafeBytes { other in
                var found: Int?
                var at = 0
                while at + other.count <= bytes.count,
                    let hit = memchr(bytes.baseAddress! + at, Int32(other[0]), bytes.count - at - other.count + 1)
                {
                    let place = UnsafeRawPointer(hit) - bytes.baseAddress!
                    if memcmp(hit, other.baseAddress!, other.count) == 0 { found = place }
                    at = place + 1
                }
                return found.map { startIndex + $0 }
            }
        }
    }
}
