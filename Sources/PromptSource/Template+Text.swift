public import Basics
internal import JSONText

extension Template {
    /// Whether it is one text, without marked turns.
    public var isOneText: Bool { turns.count == 1 && turns[0].role == nil }

    /// Renders a JSON object into the first turn's text: UTF-8, lone surrogates in generalised form. Throws `.badInput` for
    /// what is no object, or lacks a field that the template names.
    public func text(of object: [UInt8]) throws(RetortError) -> [UInt8] {
        guard let root = try? JSONParser().parse(object).root, root.kind == .object else {
            throw RetortError(.badInput, "a template needs a JSON object to be filled from")
        }
        do throws(RowFault) {
            guard
                case .prompt(let text) = try Template(turns: [Turn(role: nil, pieces: turns[0].pieces)])
                    .render(RowFields(root, in: object))
            else { return [] }
            return JSONString.unescape(text.dropFirst().dropLast())
        } catch {
            throw RetortError(.badInput, error.message, cause: error.cause, remedy: error.remedy)
        }
    }
}
