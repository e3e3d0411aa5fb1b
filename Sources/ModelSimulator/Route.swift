/// A request's method and path, resolved. The prefix `/v1` may be omitted or replaced by another provider's.
enum Route: Hashable {
    case completion(CompletionRequest.Endpoint)
    case models
    case counts
    case items
    case reset
    case batches(BatchRoute)
    case wrongMethod(allowed: String)
    case unknown

    init(method: String, path: String) {
        let path = ProviderForm.of(path).path
        guard let (allowed, route) = Self.routes[String(path)] else {
            self = BatchRoute(method: method, path: path).map(Route.batches) ?? .unknown
            return
        }
        self = method == allowed ? route : .wrongMethod(allowed: allowed)
    }

    private static let routes: [String: (method: String, route: Route)] = [
        "/chat/completions": ("POST", .completion(.chat)),
        "/completions": ("POST", .completion(.completions)),
        "/infill": ("POST", .completion(.infill)),
        "/responses": ("POST", .completion(.responses)),
        "/messages": ("POST", .completion(.messages)),
        "/models": ("GET", .models),
        "/simulator/counts": ("GET", .counts),
        "/simulator/items": ("GET", .items),
        "/simulator/reset": ("POST", .reset),
    ]

    /// The maximum size of a request's body, in bytes.
    var bodyBytesMax: Int {
        if case .batches = self { Self.batchBytesMax } else { Exchange.requestBytesMax }
    }

    /// Anthropic's limit, which is the largest of the APIs.
    private static let batchBytesMax = 256 << 20

    var isCompletion: Bool {
        if case .completion = self { true } else { false }
    }
}
