internal import ModelAPI

/// The supported batch APIs: one row each in `row`.
public enum BatchAPI: String, Sendable, CaseIterable {
    case openai, azure, groq, together, anthropic, mistral, gemini

    /// The properties of one API.
    private struct Row {
        var limits: BatchLimits
        var dialect: @Sendable (BatchLimits) -> any BatchDialect
    }

    private var row: Row {
        switch self {
        case .openai: Row(limits: .openAI) { OpenAIBatches(limits: $0) }
        case .azure: Row(limits: .openAI) { OpenAIBatches(limits: $0, form: .azure) }
        case .groq: Row(limits: .small) { OpenAIBatches(limits: $0) }
        case .together: Row(limits: .small) { OpenAIBatches(limits: $0, form: .together) }
        case .anthropic: Row(limits: .anthropic) { AnthropicBatches(limits: $0) }
        case .mistral: Row(limits: .mistral) { MistralBatches(limits: $0) }
        case .gemini: Row(limits: .gemini) { GeminiBatches(limits: $0) }
        }
    }

    public var limits: BatchLimits { row.limits }

    public func dialect(_ limits: BatchLimits) -> any BatchDialect { row.dialect(limits) }

    /// The discount of these providers for batches (price lists, 2026).
    public static let discount = 0.5

    /// The API of a host; nil if it is not known to have one.
    public static func at(host: String) -> BatchAPI? {
        if host.hasSuffix(".openai.azure.com") || host.hasSuffix(".services.ai.azure.com") { return .azure }
        return KnownProvider.at(host: host).flatMap { BatchAPI(rawValue: $0.name) }
    }
}
