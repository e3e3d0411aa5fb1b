import Dataset
import ModelAPI

/// The attributes of a server that all its spans have. Names are those of OpenTelemetry's conventions for generative
/// AI.
struct TelemetryServer: Sendable, Hashable {
    /// `gen_ai.operation.name`
    var operation: String
    /// `gen_ai.provider.name`
    var provider: String
    var host: String
    var port: Int
    /// The model of requests that name none.
    var model: String

    /// The conventions' provider names, if they differ from those in the provider table.
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
        // An unknown server is named after the API that it implements.
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
