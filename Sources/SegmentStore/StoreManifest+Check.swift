import Basics
import JSONText

extension StoreManifest {
    /// Checks that every field has a permitted value: people edit the file, and programs damage it. What is checked
    /// here needs no check where it is used.
    ///
    /// Throws `.damagedData` naming the first invalid field.
    func check(at path: String) throws(RetortError) {
        let check = FieldCheck(path: path)
        try check.range("version", version, 1...Self.currentVersion)
        if version > 1 {
            let names = Self.currentLanes.map { "\($0.name) (\($0.role.rawValue))" }.joined(separator: ", ")
            try check.holds("lanes", lanes == Self.currentLanes, names)
        }
        let digits = Array(store.utf8)
        try check.holds(
            "store", digits.count == 16 && Hexadecimal.parse(digits).map { $0 != 0 } ?? false,
            "16 hex digits, not all 0")
        try check.range("generation", generation, 0...Self.countMax)
        if let revision { try check.range("revision", revision, 0...Self.countMax) }
        try check.names("failure_classes", failureClasses, max: StoreLimits.failureClassesMax)
        try check.names("tallies", tallies, max: StoreLimits.talliesMax)
        try check.range("samples", samples, 1...StoreLimits.samplesMax)
        if let input { try input.check(check) }
        for (lane, list) in segments.sorted(by: { $0.key < $1.key }) { try check.segments("segments.\(lane)", list) }
        if let lineage { try lineage.check(check) }
        guard let superseding else { return }
        let works = [
            "rewritten": superseding.rewritten, "emptied": superseding.emptied, "archived": superseding.archived,
        ]
        for (name, lanes) in works.sorted(by: { $0.key < $1.key }) {
            for (lane, numbers) in lanes { try check.numbers("superseding.\(name).\(lane)", numbers) }
        }
    }

    private static let countMax = Int(StoreLimits.sequencesMax)
}

extension StoreManifest.Input {
    fileprivate func check(_ check: FieldCheck) throws(RetortError) {
        try check.holds("input.identity", identity.isEmpty || identityHash != nil, "empty or 32 hex digits")
        if let rows { try check.range("input.rows", rows, 0...StoreLimits.rowsMax) }
        if let part {
            try check.holds("input.part.shard", part.shard.isPossible, "a shard from 1 to their count")
            if let rows = part.rows { try check.range("input.part.rows", rows, 0...StoreLimits.rowsMax) }
            if let count = part.elsewhere { try check.range("input.part.elsewhere", count, 0...StoreLimits.itemsMax) }
        }
        for (lane, first) in (since ?? [:]).sorted(by: { $0.key < $1.key }) {
            try check.range("input.since.\(lane)", first, 0...StoreLimits.sequencesMax)
        }
    }
}

extension Lineage {
    fileprivate func check(_ check: FieldCheck) throws(RetortError) {
        for (lane, spans) in spans.sorted(by: { $0.key < $1.key }) {
            for span in spans {
                try check.range("lineage.spans.\(lane).from", span.from, 0...StoreLimits.sequencesMax)
                try check.holds(
                    "lineage.spans.\(lane).origin", origins.indices.contains(span.origin), "a position in `origins`")
            }
        }
        for (lane, end) in end.sorted(by: { $0.key < $1.key }) {
            try check.range("lineage.end.\(lane)", end, 0...StoreLimits.sequencesMax)
        }
    }
}

/// Checks fields, and names the one that is out of bounds.
private struct FieldCheck {
    let path: String

    func holds(_ field: String, _ isGood: Bool, _ rule: String) throws(RetortError) {
        if !isGood { throw error(field, "must be \(rule)") }
    }

    func range<Value: BinaryInteger>(_ field: String, _ value: Value, _ range: ClosedRange<Value>) throws(RetortError) {
        guard range.contains(value) else {
            throw error(field, "is \(value), must be \(range.lowerBound) to \(range.upperBound)")
        }
    }

    /// They are written into lines of JSON without escaping.
    func names(_ field: String, _ names: [String], max: Int) throws(RetortError) {
        guard names.count <= max else { throw error(field, "has \(names.count) names, the maximum is \(max)") }
        let areGood = names.allSatisfy { name in
            (1...StoreLimits.nameBytesMax).contains(name.utf8.count)
                && name.utf8.allSatisfy {
                    (0x61...0x7A).contains($0) || (0x41...0x5A).contains($0) || (0x30...0x39).contains($0)
                        || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
                }
        }
        try holds(field, areGood, "names of letters, digits and underscores")
        try holds(field, Set(names).count == names.count, "names that differ")
    }

    func numbers(_ field: String, _ numbers: [UInt32]) throws(RetortError) {
        for number in numbers { try range(field, number, 1...StoreLimits.segmentsMax) }
        var seen: Set<UInt32> = []
        for number in numbers where !seen.insert(number).inserted {
            throw error(field, "lists segment \(number) more than once")
        }
    }

    func segments(_ field: String, _ segments: [StoreManifest.Segment]) throws(RetortError) {
        try numbers(field, segments.map(\.number))
        for segment in segments {
            try range("\(field).bytes", segment.bytes, 0...StoreLimits.segmentBytesMax)
        }
    }

    private func error(_ field: String, _ cause: String) -> RetortError {
        RetortError(
            .damagedData, "the manifest's field `\(field)` is not valid", at: path, cause: "\(field) \(cause)",
            remedy: "Restore the file from a copy; the segments beside it are readable by themselves.")
    }
}

extension DecodingError {
    /// The unreadable field and the reason, in one line.
    var fieldDescription: String {
        let (context, what): (Context, String) =
            switch self {
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
                (context, context.debugDescription)
            case .keyNotFound(let key, let context): (context, "there is no `\(key.stringValue)`")
            @unknown default: (Context(codingPath: [], debugDescription: ""), "\(self)")
            }
        let path = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
        return path.isEmpty ? what : "\(path): \(what)"
    }
}

/// Finds the number that prevents a manifest from being decoded: the decoder does not name it.
enum OddNumber {
    /// The first number that is not a whole one within the limits of a field, with its field.
    static func find(in bytes: [UInt8]) -> String? {
        guard let document = try? JSONParser().parse(bytes) else { return nil }
        return find(in: document.root, "", depth: 0)
    }

    private static let depthMax = 16

    private static func find(in value: JSONValue, _ path: String, depth: Int) -> String? {
        guard depth < depthMax else { return nil }
        switch value.kind {
        case .number:
            let isOdd = value.int.map { $0 < 0 || $0 > Int(StoreLimits.sequencesMax) } ?? true
            let isSegment = path.hasSuffix(".number") && (value.int ?? 0) > Int(StoreLimits.segmentsMax)
            guard isOdd || isSegment else { return nil }
            return "\(path) is \(String(decoding: value.raw.prefix(StoreLimits.nameBytesMax), as: UTF8.self))"
        case .object:
            for (key, member) in value.members {
                let name = key.string ?? ""
                if let found = find(in: member, path.isEmpty ? name : "\(path).\(name)", depth: depth + 1) {
                    return found
                }
            }
        case .array:
            for (index, element) in value.elements.enumerated() {
                if let found = find(in: element, "\(path).\(index)", depth: depth + 1) { return found }
            }
        case .null, .boolean, .string: break
        }
        return nil
    }
}
