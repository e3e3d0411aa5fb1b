/// Puts JSON on one line: a line break can only be between its tokens.
public enum OneLine {
    public static func text(_ json: [UInt8]) -> [UInt8] {
        guard json.contains(where: { $0 == 0x0A || $0 == 0x0D }) else { return json }
        return json.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }
    }
}
