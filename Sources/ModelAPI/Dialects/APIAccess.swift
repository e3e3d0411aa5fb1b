/// An API's server, and the headers that authenticate the user. Keys come only from the environment.
public struct APIAccess: Sendable {
    /// A header whose value comes from an environment variable.
    public struct Key: Sendable {
        public let variable: String
        public let header: String
        /// Before the value: `Bearer `.
        public let prefix: String

        init(_ variable: String, _ header: String, _ prefix: String = "") {
            (self.variable, self.header, self.prefix) = (variable, header, prefix)
        }
    }

    /// The keys with another variable in front, in the form of the first one.
    public func keys(startingWith variable: String) -> [Key] {
        guard let first = keys.first else { return [] }
        return [Key(variable, first.header, first.prefix)] + keys.filter { $0.variable != variable }
    }

    /// The provider's own server.
    public let baseURL: String
    /// The variable that names another server, if it is not that of `--base-url`.
    public var baseURLVariable: String?
    /// The first one that is set is sent; if none is, errors name the first.
    public let keys: [Key]
    /// The keys for a server of Azure; empty if Azure does not have this API.
    public var azureKeys: [Key] = []
    /// Sent in addition to the key if they are set, but not to Azure.
    public var companions: [Key] = []
    /// Sent unless the user sends one with the same name.
    public var headers: [(name: String, value: String)] = []

    /// OpenAI, compatible servers, and Azure.
    static let openAI = APIAccess(
        baseURL: "https://api.openai.com/v1",
        keys: [Key("OPENAI_API_KEY", "Authorization", "Bearer ")],
        azureKeys: [
            Key("AZURE_OPENAI_API_KEY", "api-key"), Key("AZURE_OPENAI_AD_TOKEN", "Authorization", "Bearer "),
            Key("OPENAI_API_KEY", "api-key"),
        ],
        companions: [Key("OPENAI_ORG_ID", "OpenAI-Organization"), Key("OPENAI_PROJECT_ID", "OpenAI-Project")])
}
