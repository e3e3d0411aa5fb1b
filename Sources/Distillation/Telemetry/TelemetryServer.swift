import Dataset
import ModelAPI

/// What is said of a server's spans, whatever they are of. Names are those of OpenTelemetry's conventions for generative AI.
struct TelemetryServer: Sendable, Hashable {
    /// `gen_ai.operation.name`
    var operation: String
    /// `gen_ai.provider.name`
    var provider: String
    var host: String
    var port: Int
    /// What requests that name no model ask for.
    var model: String

    /// The conventions' names of providers, where they differ from those of the table of providers.
    private static let names = [
        "mistral": "mistral_ai", "gemini": "gcp.gemini", "xai": "x_ai", "azure": "azure.ai.openai",
    ]

    init(url: String, endpoint: RequestBuilder.Endpoint, model: String, isSimulated: Bool = false) {
        let address = ServerAddress(url)
        operation = endpoint == .completions ? "text_completion" : "chat"
        host = address.host
        port = Int(address.port ?? (address.scheme == "http" ? 80 : 443))
        self.model = model
        let known = address.isAzure ? "azure" : KnownProvider.at(host: address.host)?.name
        // A server that is not known speaks as one of the two does.
        provider = known.map { Self.names[$0] ?? $0 } ?? (endpoint == .messages ? "anthropic" : "openai")
        if isSimulated { (host, port, provider) = ("", 0, "retort") }
    }

    /// The servers of a run, in the order of the generator's endpoints.
    static func all(of settings: RunSettings) -> [TelemetryServer] {
        let urls = settings.servers.isEmpty ? [settings.baseURL] : settings.servers.map(\.text.url)
        return urls.map {
            TelemetryServer(
                url: $0, endpoint: settings.endpoint, model: settings.parameters.model,
                isSimulated: settings.simulator != nil)
        }
    }
}
