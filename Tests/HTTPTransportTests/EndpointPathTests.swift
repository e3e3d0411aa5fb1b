import Basics
import Testing

@testable import HTTPTransport

@Suite struct EndpointPathTests {
    private static let chat = "/chat/completions"

    @Test(arguments: [
        // With and without /v1, with slashes, with the endpoint's path.
        ("https://h", chat, "https://h/v1/chat/completions"),
        ("https://h/", chat, "https://h/v1/chat/completions"),
        ("https://h/v1", chat, "https://h/v1/chat/completions"),
        ("https://h/v1//", chat, "https://h/v1/chat/completions"),
        ("https://h/v1/chat/completions", chat, "https://h/v1/chat/completions"),
        ("https://h/v1/chat/completions/", chat, "https://h/v1/chat/completions"),
        ("https://h/chat/completions", chat, "https://h/chat/completions"),
        ("http://localhost:8000", "/completions", "http://localhost:8000/v1/completions"),
        ("http://localhost:8000/v1/chat/completions", "/completions", "http://localhost:8000/v1/completions"),
        ("http://localhost:8000/v1/completions", chat, "http://localhost:8000/v1/chat/completions"),
        ("http://localhost:8000/v1/messages", chat, "http://localhost:8000/v1/chat/completions"),
        // Anthropic's API.
        ("https://api.anthropic.com", "/v1/messages", "https://api.anthropic.com/v1/messages"),
        ("https://api.anthropic.com/v1", "/v1/messages", "https://api.anthropic.com/v1/messages"),
        ("https://api.anthropic.com/v1/", "/v1/messages", "https://api.anthropic.com/v1/messages"),
        ("https://api.anthropic.com/v1/messages", "/v1/messages", "https://api.anthropic.com/v1/messages"),
        ("https://h/messages", "/v1/messages", "https://h/messages"),
        ("https://api.deepseek.com/anthropic", "/v1/messages", "https://api.deepseek.com/anthropic/v1/messages"),
        ("https://openrouter.ai/api/v1", "/v1/messages", "https://openrouter.ai/api/v1/messages"),
        // Gateways with a prefix of their own.
        ("https://api.groq.com/openai/v1", chat, "https://api.groq.com/openai/v1/chat/completions"),
        ("https://h/openai", chat, "https://h/openai/chat/completions"),
        ("https://open.bigmodel.cn/api/paas/v4/", chat, "https://open.bigmodel.cn/api/paas/v4/chat/completions"),
        (
            "https://generativelanguage.googleapis.com/v1beta/openai/", chat,
            "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions"
        ),
        ("https://api.deepinfra.com/v1/openai", chat, "https://api.deepinfra.com/v1/openai/chat/completions"),
        ("https://api.deepseek.com/beta", "/completions", "https://api.deepseek.com/beta/completions"),
        ("http://h/infer/acme", chat, "http://h/infer/acme/chat/completions"),
        // Hosts that are known for another prefix.
        ("https://openrouter.ai", chat, "https://openrouter.ai/api/v1/chat/completions"),
        ("https://api.perplexity.ai", chat, "https://api.perplexity.ai/chat/completions"),
        ("https://API.groq.com/", chat, "https://API.groq.com/openai/v1/chat/completions"),
        (
            "https://generativelanguage.googleapis.com", chat,
            "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions"
        ),
        // Azure.
        (
            "https://r.openai.azure.com/openai/deployments/d?api-version=2024-10-21", chat,
            "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21"
        ),
        (
            "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=1", chat,
            "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=1"
        ),
        ("https://r.openai.azure.com/openai/v1/", chat, "https://r.openai.azure.com/openai/v1/chat/completions"),
        ("https://r.openai.azure.com", chat, "https://r.openai.azure.com/openai/v1/chat/completions"),
        ("https://r.services.ai.azure.com/", chat, "https://r.services.ai.azure.com/openai/v1/chat/completions"),
        ("https://h?k=v", chat, "https://h/v1/chat/completions?k=v"),
        // Rows that name their path.
        ("https://h", "/v1/chat/completions", "https://h/v1/chat/completions"),
        ("https://h/v1", "/v1/chat/completions", "https://h/v1/chat/completions"),
        ("https://h/api/paas/v4", "/v4/chat/completions", "https://h/api/paas/v4/chat/completions"),
        ("https://h/v1", "/infill", "https://h/infill"),
        ("https://h", "/x", "https://h/x"),
        // The list of models.
        ("https://h", "/models", "https://h/v1/models"),
        ("https://h/openai/v1", "/models", "https://h/openai/v1/models"),
        ("https://h/v1/chat/completions", "/models", "https://h/v1/models"),
        ("https://openrouter.ai", "/models", "https://openrouter.ai/api/v1/models"),
    ])
    func aBaseURLLeadsToItsEndpoint(base: String, path: String, joined: String) throws {
        #expect(try BaseURL(base).joined(path) == joined)
    }

    @Test(arguments: [
        ("api.openai.com/v1", "https://api.openai.com/v1"), ("localhost:8000/v1", "http://localhost:8000/v1"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000"), ("gpu-7/v1", "http://gpu-7/v1"), ("https:/h.com", "https://h.com"),
        ("//api.example.com", "https://api.example.com"), ("h.example.com:443", "https://h.example.com:443"),
    ])
    func aMissingSchemeIsNamed(base: String, meant: String) throws {
        let error = try #require(throws: RetortError.self) { try BaseURL(base) }
        #expect(error.message == "the base URL has no scheme" && error.remedy == "Did you mean \(meant)?")
    }
}
