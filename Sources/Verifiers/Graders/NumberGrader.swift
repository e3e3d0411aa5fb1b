internal import Basics
internal import JSONText

/// Passes an answer whose number equals the row's: the content of the last `\boxed{}`, else the number after the last
/// `####`, else the last number of the text. The field may be a number, or a text that ends in one in the same way.
struct NumberGrader: Verifier {
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
            let text = wanted.stringBytes ?? Array(wanted.raw)
            guard let number = FinalNumber(in: text) else {
                throw RetortError(.badInput, "the row's field '\(field)' holds no number")
            }
            guard let given = FinalNumber(in: request.text) else {
                return Opinion(pass: false, score: 0, feedback: "The answer holds no number.")
            }
            let isEqual = given.equals(number)
            return Opinion(pass: isEqual, score: isEqual ? 1 : 0)
        }
    }
}
