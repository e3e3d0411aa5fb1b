package import Basics
import JSONSchema
import JSONText

/// Reads a user's schema. Refuses one that could not judge any answer, before anything is paid.
package enum SchemaFile {
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    package static func load(_ path: String) throws(RetortError) -> [UInt8] {
        var text: [UInt8]
        do throws(RetortError) {
            text = Array(try TextFile.read(path).utf8)
        } catch {
            var error = error
            if error.code == .inputMissing { error.message = "no such schema file" }
            throw error
        }
        if text.starts(with: byteOrderMark) { text.removeFirst(byteOrderMark.count) }
        try refuseWrapper(text, path)
        try refuseUnusable(text, path)
        return text
    }

    /// The wrapper that APIs expect around a schema is not one itself: its members are unknown keywords, and every
    /// value would fit.
    private static func refuseWrapper(_ text: [UInt8], _ path: String) throws(RetortError) {
        guard let root = try? JSONParser().parse(text).root, root.kind == .object else { return }
        let place: String
        if root["json_schema"]?["schema"]?.kind == .object {
            place = ".json_schema.schema"
        } else if root["schema"]?.kind == .object, root["name"]?.kind == .string || root["strict"]?.kind == .boolean {
            place = ".schema"
        } else {
            return
        }
        throw RetortError(
            .badInput, "the file holds a response_format around a schema, not the schema itself", at: path,
            remedy: "Give the schema alone: jq \(place) FILE > schema.json.")
    }

    /// Sample values of each kind: a schema that cannot be evaluated on any of them cannot be evaluated on an answer.
    private static let samples = ["{}", "[]", #""""#, "0", "true", "null"]

    private static func refuseUnusable(_ text: [UInt8], _ path: String) throws(RetortError) {
        let schema = try JSONSchema(text, name: path)
        if (try? JSONParser().parse(text).root.bool) == false {
            throw RetortError(
                .badInput, "no value fits the schema `false`, so every answer would fail", at: path,
                remedy: "Give a schema that some value fits.")
        }
        let validator = SchemaValidator(schema)
        var excess: RetortError?
        for sample in samples {
            guard let value = try? JSONParser().parse(Array(sample.utf8)).root else { continue }
            do throws(RetortError) {
                _ = try validator.isValid(value)
                return
            } catch {
                excess = error
            }
        }
        guard let excess else { return }
        throw RetortError(
            .badInput, "no answer can be checked by the schema", at: path, cause: excess.cause ?? excess.message,
            remedy: excess.remedy)
    }
}
