internal import JSONText

/// Errors about the account, the key and the model: codes and words of the providers.
extension ErrorBody {
    /// Maximum bytes of a message that are searched. Gateways put their own text before the provider's.
    private static let searchedBytesMax = 1024

    private var searched: String { Self.searched(message) }

    private static func searched(_ text: String) -> String {
        String(decoding: text.utf8.prefix(searchedBytesMax), as: UTF8.self).lowercased()
    }

    private func says(_ words: [String]) -> Bool {
        let text = searched
        return words.contains(where: text.contains)
    }

    /// Whether the gateway or the server behind it says so. An account behind a gateway is not ours: only what concerns
    /// the prompt is looked for there.
    func saysOrQuotes(_ words: [String]) -> Bool {
        if says(words) { return true }
        if quoted.isEmpty { return false }
        let text = Self.searched(quoted)
        return words.contains(where: text.contains)
    }

    /// Whether the account has no credit left: waiting does not help.
    var isQuotaSpent: Bool { names(Self.spentCodes) || says(Self.spentWords) }

    private static let spentCodes = [
        "insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "billing_error",
        "insufficient_balance", "insufficient_credits", "insufficient_user_quota", "credit_limit_reached",
        "credit_limit_exceeded", "budget_exceeded", "spend_limit_reached", "exceeded_current_quota_error",
        "pre_consume_token_quota_failed", "arrearage", "accountoverdueerror", "access_terminated_error",
    ]

    /// Of messages, in lower case.
    private static let spentWords = [
        "credit balance is too low", "insufficient balance", "insufficient credit", "insufficient fund",
        "insufficient account balance", "balance is insufficient", "balance is not enough", "balance not enough",
        "not enough credit", "out of credit", "requires more credit", "used all available credits",
        "monthly spending limit", "spending limit reached", "spend limit reached", "spending cap",
        "budget has been exceeded", "budget exceeded", "exceededbudget", "over budget", "exceeded budget",
        "monthly included credits", "credit limit exceeded", "key limit exceeded", "token quota exhausted",
        "usage limits exceeded", "specified api usage limits", "account is not active, please check your billing",
        "suspended due to insufficient", "credits are depleted", "no credits left", "out of funds",
        "overdue balance", "billing to be enabled", "api calls / month",
        // German, French, Spanish, Russian.
        "guthaben", "solde insuffisant", "saldo insuficiente",
        "\u{43D}\u{435}\u{434}\u{43E}\u{441}\u{442}\u{430}\u{442}\u{43E}\u{447}\u{43D}\u{43E} \u{441}\u{440}\u{435}\u{434}\u{441}\u{442}\u{432}",
        // Chinese: in arrears, recharge, balance or quota insufficient or used up. Japanese and Korean: balance.
        "\u{6B20}\u{8D39}", "\u{8BF7}\u{5145}\u{503C}", "\u{6B8B}\u{9AD8}", "\u{C794}\u{C561}",
        "\u{8D26}\u{6237}\u{5DF2}\u{6B20}\u{8D39}", "\u{4F59}\u{989D}\u{4E0D}\u{8DB3}",
        "\u{989D}\u{5EA6}\u{5DF2}\u{7528}\u{5C3D}", "\u{989D}\u{5EA6}\u{4E0D}\u{8DB3}",
    ]

    /// Whether a whole day's quota is used up. Gemini says so in the error's details, OpenRouter in its message.
    func isDayOver(in body: [UInt8]) -> Bool {
        guard names(["429", "RESOURCE_EXHAUSTED"]) else { return false }
        return says(["per-day"]) || Self.contains(body.prefix(Self.detailsBytesMax), "PerDay")
    }

    private static let detailsBytesMax = 8192

    private static func contains(_ body: ArraySlice<UInt8>, _ word: StaticString) -> Bool {
        word.withUTF8Buffer { word in
            guard let first = word.first, body.count >= word.count else { return false }
            return body.withUnsafeBufferPointer { body in
                (0...body.count - word.count).contains { start in
                    body[start] == first && (1..<word.count).allSatisfy { body[start + $0] == word[$0] }
                }
            }
        }
    }

    /// Whether the key is invalid, whatever the status: Gemini says so with 400.
    var isKeyInvalid: Bool {
        names(["invalid_api_key", "API_KEY_INVALID"])
            || says([
                "api key not valid", "api key expired", "api_key_invalid", "incorrect api key", "invalid api key",
                "your api key was reported as leaked", "expired key", "invalid token", "token expired",
            ])
    }

    /// Whether the account may not use the API at all.
    var isAccountBarred: Bool {
        names(["unsupported_country_region_territory", "account_deactivated", "organization_restricted"])
            || says([
                "organization has been disabled", "organization has been restricted", "account has been deactivated",
                "account has been disabled", "account is suspended", "account has been suspended",
                "user location is not supported",
            ])
    }

    /// Whether the model's name is wrong. With 404 a looser wording is enough than with other statuses, where the same
    /// words may be about something else in the request.
    func isModelMissing(under status: Int) -> Bool {
        if names(Self.modelCodes) { return true }
        let text = searched
        if Self.modelWords.contains(where: text.contains) { return true }
        guard status == 404 else { return false }
        return text.hasPrefix("model:") || text.hasPrefix("no endpoints found for")
            || text.contains("model") && ["does not exist", "not found"].contains(where: text.contains)
    }

    private static let modelCodes = [
        "model_not_found", "invalid_model", "DeploymentNotFound", "model_not_available", "model_decommissioned",
        "invalid_model_name", "key_model_access_denied", "team_model_access_denied",
    ]

    /// Of messages, in lower case.
    private static let modelWords = [
        "model not exist", "model not found", "unknown model", "invalid model", "is not a valid model",
        "deployment for this resource does not exist", "does not have access to model",
        "not allowed to access model", "unable to access model", "model does not exist",
    ]

    /// Whether the request is too long for the model: certainly its own fault.
    var isAboutLength: Bool {
        names(["context_length_exceeded", "string_above_max_length", "request_too_large", "max_tokens_exceeded"])
            || saysOrQuotes([
                "maximum context length", "context length", "context window", "context_length", "max_seq_len",
                "prompt is too long", "input is too long", "too many tokens", "maximum input length",
                "input token count", "input tokens exceed", "reduce the length", "max_model_len",
            ])
    }
}
