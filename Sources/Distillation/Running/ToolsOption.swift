package import Basics
package import CommandLine
import JSONText
package import ModelAPI

/// `--tools FILE`: the tools that every request offers the model.
package enum ToolsOption {
    package static let option = OptionSpec(
        "tools", kind: .path, valueName: "FILE",
        summary: "offer these tools in every request: a JSON array in OpenAI's form; a row's own tools take precedence",
        group: ParameterOptions.group)

    /// Maximum bytes of the file.
    package static let bytesMax = 1 << 20

    /// The array on one line; nil without the option. Throws `.configuration` for anything else.
    package static func load(_ command: ParsedCommand) throws(RetortError) -> [UInt8]? {
        guard let path = command.stringIfSet("tools") else { return nil }
        let text: String
        do throws(RetortError) { text = try TextFile.read(path) } catch {
            var error = error
            if error.code == .inputMissing { error.message = "no such file of tools" }
            throw error
        }
        func wrong(_ message: String, _ cause: String? = nil) -> RetortError {
            RetortError(
                .configuration, message, at: path, cause: cause,
                remedy: #"Write [{"type": "function", "function": {"name": "...", "parameters": {...}}}]."#)
        }
        guard text.utf8.count <= bytesMax else { throw wrong("the file of tools is larger than \(bytesMax >> 20) MiB") }
        let root: JSONValue
        do throws(JSONError) { root = try JSONParser().parse(text).root } catch {
            throw wrong("the file of tools is not JSON", "\(error)")
        }
        guard root.kind == .array, !root.elements.isEmpty, root.elements.allSatisfy({ $0.kind == .object }) else {
            throw wrong("the file of tools is not an array of objects")
        }
        if command.strings("param").contains(where: { $0.hasPrefix("tools=") }) {
            throw RetortError(.usage, "--tools and --param tools are both given", at: "--tools", remedy: "Keep one.")
        }
        return root.raw.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }
    }

    /// Adds the tools to the requests' parameters and returns them; nil if there are none.
    package static func take(
        _ command: ParsedCommand, _ endpoint: RequestBuilder.Endpoint, into parameters: inout RequestParameters,
        texts: inout [String: String]
    ) throws(RetortError) -> [UInt8]? {
        guard let tools = try load(command) else { return nil }
        texts["tools"] = Hexadecimal.string(tools.withUnsafeBytes { ContentHash.hash64($0) })
        let member = BodyMember(name: "tools", value: tools[...])
        for member in try endpoint.dialect.members(ofRow: [member], with: JSONParser()) {
            parameters.extra.append((member.name, Array(member.value)))
        }
        return tools
    }
}
