internal import JSONText
public import SegmentStore

/// Turns a judge's answer into a verdict: the value is an object with a `score` (a number), `pass`, or both.
public struct JudgeRule: Sendable, Hashable {
    /// The score from which an answer passes if the value has no `pass`.
    public var passAt: Double

    public static let passAtDefault = 0.5

    public init(passAt: Double? = nil) { self.passAt = passAt ?? Self.passAtDefault }

    public var text: String { "\(passAt)" }

    /// The verdict in a judge's record; nil for a failure, or if the value has no score.
    public func verdict(of record: StoredRecord) -> RowVerdict? {
        guard record.head.failureClass == nil, let root = try? JSONParser().parse(record.line).root,
            let text = root["value"]?.stringBytes, !text.isEmpty, let value = try? JSONParser().parse(text).root
        else { return nil }
        let number = value["score"]?.double.flatMap { $0.isFinite ? $0 : nil }
        guard let pass = value["pass"]?.bool ?? number.map({ $0 >= passAt }) else { return nil }
        let reason = value["feedback"]?.string ?? value["reason"]?.string ?? ""
        return RowVerdict(pass: pass, score: number ?? (pass ? 1 : 0), feedback: reason, details: Array(value.raw))
    }
}

/// A verdict on an answer, as fields of a row.
public struct RowVerdict: Sendable, Hashable {
    public var pass: Bool
    public var score: Double
    public var feedback: String
    /// A JSON value of its own; empty where there is none.
    public var details: [UInt8]

    public init(pass: Bool, score: Double, feedback: String, details: [UInt8]) {
        (self.pass, self.score, self.feedback, self.details) = (pass, score, feedback, details)
    }

    /// Members of a JSON object, without braces: `pass`, `score`, `feedback`, and all of them in `verdict`.
    var members: [UInt8] {
        let number = Int(exactly: score).map { String($0) } ?? "\(score)"
        var members = Array(#""pass":\#(pass),"score":\#(number),"feedback":"#.utf8)
        JSONString.append(feedback, to: &members)
        var whole = members
        if !details.isEmpty { whole += #","value":"#.utf8 + details }
        return members + #","verdict":{"#.utf8 + whole + [UInt8(ascii: "}")]
    }
}

/// A record line with further members appended.
enum ExtendedLine {
    /// - Parameter line: a JSON object.
    static func line(_ line: [UInt8], with members: [UInt8]) -> [UInt8] {
        guard let end = line.lastIndex(of: UInt8(ascii: "}")), !members.isEmpty else { return line }
        return line[..<end] + [UInt8(ascii: ",")] + members + [UInt8(ascii: "}")]
    }
}
