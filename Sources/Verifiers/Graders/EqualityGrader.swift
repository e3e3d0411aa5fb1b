internal import Basics
internal import JSONText

/// Passes an answer that equals the row's field, compared as trimmed texts or as JSON values.
struct EqualityGrader: Verifier {
    let name: String
    let field: String
    private let parsers = ParserStock()

    init(name: String, field: String) {
        self.name = name
        self.field = field
    }

    func judge(_ request: VerifierRequest) async throws(RetortError) -> Opinion {
        try parsers.with { parser throws(RetortError) in
            let wanted = try RowField.value(field, of: request.row, with: parser)
            let text = Self.trimmed(request.text)
            if let content = wanted.stringBytes {
                if Self.trimmed(content).elementsEqual(text) { return Opinion(pass: true, score: 1) }
            } else if let given = try? parser.valueHash(Array(text)),
                given == (try? parser.valueHash(Array(wanted.raw)))
            {
                return Opinion(pass: true, score: 1)
            }
            if let value = request.value, let given = try? parser.valueHash(value),
                given == (try? parser.valueHash(Array(wanted.raw)))
            {
                return Opinion(pass: true, score: 1)
            }
            return Opinion(pass: false, score: 0)
        }
    }

    private static func trimmed(_ text: [UInt8]) -> ArraySlice<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        guard let first = text.firstIndex(where: { !isBlank($0) }), let last = text.lastIndex(where: { !isBlank($0) })
        else { return [] }
        return text[first...last]
    }
}

/// Passes an answer that contains a JSON value. The value becomes the opinion's value.
struct JSONGrader: Verifier {
    let name: String

    func judge(_ request: VerifierRequest) async throws(RetortError) -> Opinion {
        if let value = request.value { return Opinion(pass: true, score: 1, value: value) }
        guard let found = JSONSearch().find(in: request.text, accepts: { _ in true })?.found else {
            return Opinion(pass: false, score: 0, feedback: "The answer holds no JSON value.")
        }
        return Opinion(pass: true, score: 1, value: Array(found.value.raw))
    }
}
