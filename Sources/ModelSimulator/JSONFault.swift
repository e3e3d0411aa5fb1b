public import Basics
import JSONText

/// A fault of an answer that should be JSON. The raw values are the names in `--json-faults`.
public enum JSONFault: String, Sendable, Hashable, CaseIterable {
    /// The value is in a code fence after a sentence, where it can be found.
    case prose
    /// JSON that does not match the schema: one member's value has another type.
    case almost
    /// Invalid JSON: its end is missing.
    case broken
    /// Nearly JSON, as models write it: a comment after the first bracket and a comma before the last one.
    case sloppy
    /// An array lacks one of several elements.
    case missing
    /// An element is repeated in place of the next one.
    case doubled
    /// An element has the wrong type.
    case invalid
}

/// The share of answers with each fault.
public struct JSONFaultPlan: Sendable, Hashable {
    public private(set) var shares: [JSONFault: Double] = [:]

    public init() {}

    /// Reads `prose=0.2,almost=0.1`. Throws a configuration error that names the part it cannot read.
    public init(parsing text: String) throws(RetortError) {
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2, let fault = JSONFault(rawValue: String(sides[0])), let share = Double(sides[1]),
                (0...1).contains(share)
            else {
                throw RetortError(
                    .configuration, "\"\(part)\" is no share of JSON answers", at: text,
                    remedy: "Write \(JSONFault.allCases.map { "\($0.rawValue)=0.1" }.joined(separator: ",")).")
            }
            shares[fault, default: 0] += share
        }
        // Tolerance for rounding: ten times 0.1 is not exactly 1.
        guard shares.values.reduce(0, +) <= 1 + 1e-9 else {
            throw RetortError(
                .configuration, "the shares of JSON answers add up to more than 1", at: text,
                remedy: "Lower some of them.")
        }
    }

    func fault(item: UInt64, attempt: Int, seed: UInt64) -> JSONFault? {
        guard !shares.isEmpty else { return nil }
        var random = SplitMix64(seed: seed, item, UInt64(attempt), for: .value)
        var rest = random.unit()
        for fault in JSONFault.allCases {
            let share = shares[fault] ?? 0
            if rest < share { return fault }
            rest -= share
        }
        return nil
    }
}

extension JSONFault {
    func applied(to json: [UInt8], with parser: JSONParser) -> [UInt8] {
        switch self {
        case .prose: return Array("Here is what was asked for:\n\n```json\n".utf8) + json + Array("\n```\n".utf8)
        case .broken: return Array(json.dropLast())
        case .sloppy:
            guard let root = try? parser.parse(json).root, root.kind == .object || root.kind == .array else {
                return json
            }
            let comma = root.members.isEmpty && root.elements.isEmpty ? "" : ","
            return [json[root.range.lowerBound]] + Array(" // as asked\n".utf8)
                + json[root.range].dropFirst().dropLast() + Array(comma.utf8) + json[root.range].suffix(1)
        case .missing, .doubled, .invalid:
            guard let root = try? parser.parse(json).root, root.kind == .array, root.elements.count > 1 else {
                return json
            }
            var elements = root.elements.map { Array($0.raw) }
            let place = json.count % (elements.count - 1)
            switch self {
            case .missing: elements.remove(at: place)
            case .doubled: elements[place + 1] = elements[place]
            default: elements[place] = Array("[]".utf8)
            }
            return [UInt8(ascii: "[")] + elements.joined(separator: [UInt8(ascii: ",")]) + [UInt8(ascii: "]")]
        case .almost:
            guard let member = (try? parser.parse(json).root)?.members.first?.value else {
                return Array(#"{"almost":"#.utf8) + json + Array("}".utf8)
            }
            var changed = json
            let other = member.kind == .object ? #""almost""# : #"{"almost":true}"#
            changed.replaceSubrange(member.range, with: Array(other.utf8))
            return changed
        }
    }
}
