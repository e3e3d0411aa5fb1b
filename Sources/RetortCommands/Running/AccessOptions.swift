import Basics
import CommandLine
import ModelAPI

/// Where to ask, and what opens the door. The key comes from the environment alone, never from a flag, and is written
/// nowhere.
struct AccessOptions {
    var baseURL: String
    var headers: [(name: String, value: String)]

    private static let openAIBaseURL = "https://api.openai.com/v1"
    private static let anthropicBaseURL = "https://api.anthropic.com"
    private static let anthropicVersion = "2023-06-01"

    /// - Parameter stored: where the store's answers came from, for when neither the command line nor the environment
    ///   says otherwise.
    init(
        _ command: ParsedCommand, endpoint: RequestBuilder.Endpoint, environment: [String: String],
        stored: String? = nil
    ) throws(RetortError) {
        headers = []
        guard !command.flag("simulate") else {
            baseURL = ""
            return
        }
        let isAnthropic = endpoint == .messages
        let variable = isAnthropic ? "ANTHROPIC_API_KEY" : "OPENAI_API_KEY"
        if isAnthropic, !command.isGiven("base-url") || command.source(of: "base-url") == .environment {
            baseURL =
                environment["ANTHROPIC_BASE_URL"].flatMap { $0.isEmpty ? nil : $0 } ?? stored
                ?? Self.anthropicBaseURL
        } else {
            baseURL = command.stringIfSet("base-url") ?? stored ?? Self.openAIBaseURL
        }
        let key = environment[variable] ?? ""
        // A server without TLS is one's own; it may not want a key.
        guard !key.isEmpty || baseURL.hasPrefix("http://") else {
            throw RetortError(
                .configuration, "no API key", at: baseURL, cause: "\(variable) is not set",
                remedy:
                    "Put the key into the environment: export \(variable)=... (any text, if the server asks for none).")
        }
        guard !key.isEmpty else { return }
        if isAnthropic {
            headers = [("x-api-key", key), ("anthropic-version", Self.anthropicVersion)]
        } else {
            headers = [("Authorization", "Bearer \(key)")]
        }
    }
}
