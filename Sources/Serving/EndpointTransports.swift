import HTTPTransport
package import ModelAPI

/// One transport per provider API: their headers differ, and their base URLs may.
package struct EndpointTransports: ModelTransport {
    package let openAI: (any ModelTransport)?
    package let anthropic: (any ModelTransport)?

    package func send(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure> {
        let isAnthropic = request.path == RequestBuilder.Endpoint.messages.dialect.path
        guard let transport = isAnthropic ? anthropic : openAI else {
            return .failure(TransportFailure(.unresolved, "no server for \(request.path)", stage: .unconnected))
        }
        return await transport.send(request)
    }
}
