import Basics
import JSONText
package import ModelAPI
package import SegmentStore

/// Builds the members of one record. All members must be written, in the schema's order.
package struct RecordWriter {
    package private(set) var bytes: [UInt8] = []
    private let lane: Lane
    private var count = 0
    /// The raw value of the member written last.
    private var last = -1

    package init(_ lane: Lane, capacity: Int) {
        self.lane = lane
        bytes.reserveCapacity(capacity)
    }

    /// The members of a record, without braces.
    package var finished: [UInt8] {
        precondition(count == RecordMember.count(of: lane), "a record lacks members: it has \(count)")
        return bytes
    }

    private mutating func begin(_ member: RecordMember) {
        precondition(member.rawValue > last && member.isMember(of: lane), "\(member) is out of its order")
        if count > 0 { bytes.append(UInt8(ascii: ",")) }
        member.appendKey(to: &bytes)
        count += 1
        last = member.rawValue
    }

    /// The prompt members, as `AskedMembers` or a record has them.
    package mutating func asked(_ members: [UInt8]) {
        precondition(count == 0, "what was asked comes first")
        bytes.append(contentsOf: members)
        count = Self.askedCount
        last = RecordMember.tools.rawValue
    }

    private static let askedCount = RecordMember.tools.rawValue - RecordMember.messages.rawValue + 1

    /// A JSON string token; unpaired surrogates are replaced. Returns how many.
    @discardableResult
    package mutating func token(_ member: RecordMember, _ token: ArraySlice<UInt8>) -> Int {
        begin(member)
        return JSONString.appendReplacingLoneSurrogates(token, to: &bytes)
    }

    package mutating func text(_ member: RecordMember, _ text: String) {
        begin(member)
        JSONString.append(text, to: &bytes)
    }

    /// Arbitrary bytes as a text.
    package mutating func text(_ member: RecordMember, _ text: some Collection<UInt8>) {
        begin(member)
        JSONString.appendText(text, to: &bytes)
    }

    package mutating func integer(_ member: RecordMember, _ value: Int) {
        begin(member)
        Decimal.append(value, to: &bytes)
    }

    package mutating func boolean(_ member: RecordMember, _ value: Bool) {
        begin(member)
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    /// A value that is not a finite number is written as 0.
    package mutating func number(_ member: RecordMember, _ value: Double) {
        begin(member)
        bytes.append(contentsOf: "\(value.isFinite ? value : 0)".utf8)
    }

    /// Nil means an unknown price.
    package mutating func dollars(_ member: RecordMember, nanodollars: Int?) {
        begin(member)
        if let nanodollars { Money.append(nanodollars, to: &bytes) } else { bytes.append(contentsOf: "null".utf8) }
    }

    package mutating func usage(_ member: RecordMember, _ usage: TokenUsage) {
        begin(member)
        func append(_ text: StaticString, _ value: Int, to bytes: inout [UInt8]) {
            text.withUTF8Buffer { bytes.append(contentsOf: $0) }
            Decimal.append(value, to: &bytes)
        }
        append(#"{"prompt_tokens":"#, usage.prompt, to: &bytes)
        append(#","completion_tokens":"#, usage.completion, to: &bytes)
        append(#","reasoning_tokens":"#, usage.reasoning, to: &bytes)
        append(#","cached_tokens":"#, usage.cached, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
    }

    package mutating func request(_ member: RecordMember, path: String, body: [UInt8]) {
        begin(member)
        bytes.append(contentsOf: #"{"path":"#.utf8)
        JSONString.append(path, to: &bytes)
        bytes.append(contentsOf: #","body":"#.utf8)
        JSONString.appendText(body, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
    }
}
