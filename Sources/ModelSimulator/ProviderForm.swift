/// The provider whose paths a request uses: providers with OpenAI's API serve it under other roots, and their batches
/// differ.
enum ProviderForm: Hashable {
    case openAI, azure, groq, together, gemini

    /// The provider form of a path, and the path below its root.
    static func of(_ path: String) -> (form: ProviderForm, path: Substring) {
        for (root, form) in [("/v1beta/openai/", gemini), ("/openai/v1/", groq), ("/v1/", openAI)]
        where path.hasPrefix(root) { return (form, path.dropFirst(root.count - 1)) }
        guard path.hasPrefix("/openai/") else { return (openAI, path[...]) }
        let rest = path.dropFirst("/openai".count)
        guard rest.hasPrefix("/deployments/") else { return (azure, rest) }
        // Paths below a deployment are only for requests.
        return (azure, rest.dropFirst("/deployments/".count).drop { $0 != "/" })
    }
}
