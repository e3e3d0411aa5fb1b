/// Joins the path of a base URL and the path of a request. Pure functions.
///
/// The same API is named in many ways: `https://host`, `https://host/v1`, `https://host/v1/`,
/// `https://host/v1/chat/completions`. Gateways have their own prefixes (`/api/paas/v4`, `/v1beta/openai`,
/// `/openai/deployments/NAME`), to which nothing may be added.
enum EndpointPath {
    /// Endpoint paths that base URLs may end in; longer ones before those that end in the same way.
    private static let endpoints = [
        "/chat/completions", "/fim/completions", "/completions", "/responses", "/embeddings", "/v1/messages",
        "/messages",
    ]

    /// The path of the list of models, in which no base URL ends.
    private static let models = "/models"

    /// llama.cpp's endpoint beside `/v1`.
    private static let infill = "/infill"

    /// The prefix of OpenAI's API on hosts that serve it below another path than `/v1`.
    private static let prefixes: [(host: String, path: String)] = [
        ("generativelanguage.googleapis.com", "/v1beta/openai"), ("api.groq.com", "/openai/v1"),
        ("openrouter.ai", "/api/v1"), ("api.fireworks.ai", "/inference/v1"), ("api.deepinfra.com", "/v1/openai"),
        ("api.perplexity.ai", ""), ("api.z.ai", "/api/paas/v4"), ("open.bigmodel.cn", "/api/paas/v4"),
        ("dashscope.aliyuncs.com", "/compatible-mode/v1"), ("dashscope-intl.aliyuncs.com", "/compatible-mode/v1"),
        (".openai.azure.com", "/openai/v1"), (".services.ai.azure.com", "/openai/v1"),
    ]

    static func withoutSlashes(_ path: some StringProtocol) -> String {
        var path = path[...]
        while path.last == "/" { path.removeLast() }
        return String(path)
    }

    /// The path of a request's address.
    ///
    /// - A base that ends in the endpoint's own path is taken as it is; another endpoint's path is cut off first.
    /// - A version at the end of the base and at the beginning of the path is one: `/v1` and `/v1/messages`.
    /// - A host alone gets the prefix of OpenAI's API, `/v1` unless the host is known for another one.
    /// - `/infill` is beside a version at the end of the base.
    /// - Any other base stays as it is.
    /// - Parameters:
    ///   - base: without slashes at its end; empty for a host alone.
    ///   - path: with the slash at its beginning.
    static func joined(_ base: String, _ path: String, host: String) -> String {
        if path == infill {
            let written = ["/v1", infill].first { base.hasSuffix($0) }
            return base.dropLast(written?.count ?? 0) + path
        }
        guard let own = endpoints.first(where: { path.hasSuffix($0) }) ?? (path == models ? models : nil) else {
            return base + path
        }
        var base = base
        if let written = endpoints.first(where: { base.hasSuffix($0) }) {
            let isOwn = written == own || own == "/v1/messages" && written == "/messages"
            if isOwn { return base }
            // A version before the endpoint's name stays.
            base = String(base.dropLast(written == "/v1/messages" ? "/messages".count : written.count))
            return withoutRepeatedVersion(base, path) + path
        }
        if base.isEmpty, path == own, own != "/v1/messages" { return prefix(of: host) + path }
        return withoutRepeatedVersion(base, path) + path
    }

    private static func prefix(of host: String) -> String {
        let known = prefixes.first { entry in
            entry.host.hasPrefix(".") ? host.hasSuffix(entry.host) : host == entry.host
        }
        return known?.path ?? "/v1"
    }

    private static func withoutRepeatedVersion(_ base: String, _ path: String) -> String {
        guard let slash = base.lastIndex(of: "/") else { return base }
        let last = base[slash...]
        let isVersion = last.dropFirst().first == "v" && last.dropFirst(2).first?.isNumber == true
        return isVersion && path.hasPrefix(last + "/") ? String(base[..<slash]) : base
    }
}
