internal import Basics
internal import JSONText

/// A verifier's verdict on an answer.
public struct Opinion: Sendable, Hashable {
    public var pass: Bool
    /// The score, which is finite. The verifier defines its meaning, but more is better.
    public var score: Double?
    /// The maximum absolute score. It keeps sums over a whole store finite.
    public static let scoreMax = 1e100
    /// Feedback for the model.
    public var feedback: String?
    /// Any further result of the verifier: JSON as written.
    public var value: [UInt8]?

    public init(pass: Bool, score: Double? = nil, feedback: String? = nil, value: [UInt8]? = nil) {
        self.pass = pass
        self.score = score
        self.feedback = feedback
        self.value = value
    }

    /// The opinion as members of a JSON object, without braces: `"pass":true,"score":1.0,...`. Unset members are
    /// omitted.
    public var members: [UInt8] {
        var members = Array(pass ? #""pass":true"#.utf8 : #""pass":false"#.utf8)
        if let score, score.isFinite { members += Array(",\"score\":\(score)".utf8) }
        if let feedback {
            members += Array(#","feedback":"#.utf8)
            JSONString.append(feedback, to: &members)
        }
        if let value, !value.isEmpty {
            members += Array(#","value":"#.utf8)
            members += value.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }
        }
        return members
    }
}

/// A line of a worker: the request's key and the opinion.
struct WorkerReply: Sendable, Hashable {
    var key: ReplyKey
    /// Nil if the worker does not return it.
    var round: Int?
    var opinion: Opinion

    /// Parses a line without its line feed. Throws the fault, worded to complete "its worker wrote a line ...".
    init(_ line: [UInt8], with parser: JSONParser) throws(Fault) {
        let root: JSONValue
        do throws(JSONError) { root = try parser.parse(line).root } catch {
            throw Fault("that is not JSON (\(error)): \(Self.excerpt(line))")
        }
        guard root.kind == .object else { throw Fault("that is not a JSON object: \(Self.excerpt(line))") }
        guard let id = root["id"]?.stringBytes else { throw Fault("without the request's id: \(Self.excerpt(line))") }
        let sample = root["sample"].map(\.int) ?? 0
        guard let sample, sample >= 0 else { throw Fault("whose sample is not a number: \(Self.excerpt(line))") }
        key = ReplyKey(id: id, sample: sample)
        if let round = root["round"], round.kind != .null {
            guard let number = round.int else { throw Fault("whose round is not a number: \(Self.excerpt(line))") }
            self.round = number
        }
        opinion = try Self.opinion(root, line)
    }

    private static func opinion(_ root: JSONValue, _ line: [UInt8]) throws(Fault) -> Opinion {
        guard let pass = root["pass"]?.bool else {
            throw Fault("in which pass is neither true nor false: \(excerpt(line))")
        }
        var opinion = Opinion(pass: pass)
        if let score = root["score"], score.kind != .null {
            guard let number = score.double, abs(number) <= Opinion.scoreMax else {
                throw Fault("whose score is not a number up to \(Opinion.scoreMax): \(excerpt(line))")
            }
            opinion.score = number
        }
        if let feedback = root["feedback"], feedback.kind != .null {
            guard let text = feedback.string else { throw Fault("whose feedback is not a text: \(excerpt(line))") }
            opinion.feedback = text
        }
        if let value = root["value"], value.kind != .null { opinion.value = Array(value.raw) }
        return opinion
    }

    /// What is wrong with a line.
    struct Fault: Error, Hashable {
        var text: String
        init(_ text: String) { self.text = text }
    }

    /// Maximum bytes of a line shown in messages.
    private static let excerptBytesMax = 120

    private static func excerpt(_ line: [UInt8]) -> String {
        let text = String(decoding: line.prefix(excerptBytesMax), as: UTF8.self)
        return line.count > excerptBytesMax ? text + "..." : text
    }
}

/// What identifies the request in a worker's reply.
struct ReplyKey: Sendable, Hashable {
    var id: [UInt8]
    var sample: Int
}
