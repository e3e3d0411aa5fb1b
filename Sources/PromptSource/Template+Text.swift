public import Basics
internal import JSONText

extension Template {
    /// Whether the template renders to one text, without turns and attachments.
    public var isOneText: Bool { Self.isText(nodes) }

    private static func isText(_ nodes: [Node]) -> Bool {
        nodes.allSatisfy { node in
            switch node {
            case .literal, .field: true
            case .turn, .attachment: false
            case .choice(_, let nodes, let otherwise), .loop(_, let nodes, let otherwise):
                isText(nodes) && isText(otherwise)
            }
        }
    }

    /// Renders a JSON object into one text: UTF-8, with lone surrogates in generalised form; empty for a template with
    /// turns. Throws `.badInput` when the input is not an object or lacks a required field.
    public func text(of object: [UInt8]) throws(RetortError) -> [UInt8] {
        guard let root = try? JSONParser().parse(object).root, root.kind == .object else {
            throw RetortError(.badInput, "a template needs a JSON object to be filled from")
        }
        do throws(RowFault) {
            guard case .prompt(let text) = try render(RowFields(root, in: object)) else { return [] }
            return JSONString.unescape(text.dropFirst().dropLast())
        } catch {
            throw RetortError(.badInput, error.message, cause: error.cause, remedy: error.remedy)
        }
    }
}
