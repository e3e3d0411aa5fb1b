/// A provider that can be named: its server, its API, and the variable of its key.
public struct KnownProvider: Sendable, Hashable {
    public let name: String
    public let baseURL: String
    public let endpoint: RequestBuilder.Endpoint
    /// The environment variable with the key; nil for self-hosted servers.
    public let keyVariable: String?
    /// The page with the provider's rate limits; nil for self-hosted servers.
    public let limits: String?

    private init(
        _ name: String, _ baseURL: String, _ keyVariable: String? = nil, limits: String? = nil,
        endpoint: RequestBuilder.Endpoint = .chat
    ) {
        self.name = name
        self.baseURL = baseURL
        self.endpoint = endpoint
        self.keyVariable = keyVariable
        self.limits = limits
    }

    /// The only table of providers.
    public static let all: [KnownProvider] = [
        KnownProvider(
            "openai", "https://api.openai.com/v1", "OPENAI_API_KEY",
            limits: "https://platform.openai.com/docs/guides/rate-limits"
        ),
        KnownProvider(
            "anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY",
            limits: "https://docs.anthropic.com/en/api/rate-limits", endpoint: .messages),
        KnownProvider(
            "deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY",
            limits: "https://api-docs.deepseek.com/quick_start/rate_limit"),
        KnownProvider(
            "openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY",
            limits: "https://openrouter.ai/docs/api-reference/limits"),
        KnownProvider(
            "mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY",
            limits: "https://docs.mistral.ai/deployment/laplateforme/tier/"),
        KnownProvider(
            "gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY",
            limits: "https://ai.google.dev/gemini-api/docs/rate-limits"),
        KnownProvider(
            "groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY",
            limits: "https://console.groq.com/docs/rate-limits"),
        KnownProvider(
            "together", "https://api.together.xyz/v1", "TOGETHER_API_KEY",
            limits: "https://docs.together.ai/docs/rate-limits"),
        KnownProvider(
            "fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY",
            limits: "https://docs.fireworks.ai/guides/quotas_usage/rate-limits"),
        KnownProvider("xai", "https://api.x.ai/v1", "XAI_API_KEY", limits: "https://docs.x.ai/docs/rate-limits"),
        KnownProvider(
            "cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY",
            limits: "https://inference-docs.cerebras.ai/support/rate-limits"),
        KnownProvider(
            "deepinfra", "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY",
            limits: "https://deepinfra.com/docs/advanced/rate-limits"),
        KnownProvider(
            "nvidia", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY", limits: "https://build.nvidia.com"),
        KnownProvider(
            "huggingface", "https://router.huggingface.co/v1", "HF_TOKEN",
            limits: "https://huggingface.co/docs/inference-providers/pricing"),
        KnownProvider(
            "moonshot", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY",
            limits: "https://platform.moonshot.ai/docs/pricing/limits"),
        KnownProvider(
            "dashscope", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY",
            limits: "https://www.alibabacloud.com/help/en/model-studio/rate-limit"),
        KnownProvider("vllm", "http://localhost:8000/v1"),
        KnownProvider("sglang", "http://localhost:30000/v1"),
        KnownProvider("ollama", "http://localhost:11434/v1"),
        KnownProvider("llamacpp", "http://localhost:8080/v1"),
        KnownProvider("lmstudio", "http://localhost:1234/v1"),
    ]

    public static func named(_ name: String) -> KnownProvider? { all.first { $0.name == name } }

    /// The provider whose server has this host.
    public static func at(host: String) -> KnownProvider? {
        guard !host.isEmpty, host != "localhost" else { return nil }
        return all.first { $0.host == host }
    }

    private var host: String {
        let rest = baseURL.firstRange(of: "://").map { baseURL[$0.upperBound...] } ?? baseURL[...]
        return String(rest.prefix { $0 != "/" && $0 != ":" })
    }
}
