/// Where an API is, and the headers by which it knows its customer. Keys are in the environment alone.
public struct APIAccess: Sendable {
    /// A header whose value comes from a variable of the environment.
    public struct Key: Sendable {
        public let variable: String
        public let header: String
        /// Before the value: `Bearer `.
        public let prefix: String

        init(_ variable: String, _ header: String, _ prefix: String = "") {
            (self.variable, self.header, self.prefix) = (variable, header, prefix)
        }
    }

    /// The keys with another variable in front, sent as the first of them is.
    public func keys(startingWith variable: String) -> [Key] {
        guard let first = keys.first else { return [] }
        return [Key(variable, first.header, first.prefix)] + keys.filter { $0.variable != variable }
    }

    /// The provider's own server.
    public let baseURL: String
    /// The variable that names another server, where it is not the one of `--base-url`.
    public var baseURLVariable: String?
    /// The first one that is set is sent; the first one is named where none is.
    public let keys: [Key]
    /// The same for a server of Azure; empty where there is none for this API.
    public var azureKeys: [Key] = []
    /// Sent beside the key where they are set, but not to Azure.
    public var companions: [Key] = []
    /// Sent unless the user sends one of the same name.
    public var headers: [(name: String, value: String)] = []

    /// OpenAI, all who copy it, and Azure.
    static let openAI = APIAccess(
        baseURL: "https://api.openai.com/v1",
        keys: [Key("OPENAI_API_KEY", "Authorization", "Bearer ")],
        azureKeys: [
            Key("AZURE_OPENAI_API_KEY", "api-key"), Key("AZURE_OPENAI_AD_TOKEN", "Authorization", "Bearer "),
            Key("OPENAI_API_KEY", "api-key"),
        ],
        companions: [Key("OPENAI_ORG_ID", "OpenAI-Organization"), Key("OPENAI_PROJECT_ID", "OpenAI-Project")])
}
