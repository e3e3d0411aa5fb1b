package import Basics
package import CommandLine
import Dataset
package import Distillation
import HTTPServer
package import ModelAPI
import ResponseGenerator

/// The settings of `retort serve`, checked before anything is touched.
package struct ServeSettings: Sendable {
    /// Server, rates and retries.
    package var run: RunSettings
    package var address: ListenAddress
    package var reuse: ReusePolicy
    /// Maximum bytes of a client's request.
    package var requestBytesMax: Int
    /// The clients that may use the server; nil: every process of this machine.
    package var keys: ClientKeys?
    /// Access to the two providers' APIs, or why there is none.
    package var openAI: Result<AccessOptions, RetortError>
    package var anthropic: Result<AccessOptions, RetortError>

    package init(_ command: ParsedCommand, environment: [String: String]) throws(RetortError) {
        address = try ListenAddress(command.string("listen"))
        reuse = command.choice("reuse")
        requestBytesMax = command.size("request-size-max")
        keys = try command.stringIfSet("client-keys").map { path throws(RetortError) in try ClientKeys.load(path) }
        guard keys != nil || OriginRule.isLoopback(address.host) else {
            throw RetortError(
                .configuration, "other machines would reach this address", at: "--listen \(command.string("listen"))",
                remedy: "Listen on 127.0.0.1, or give --client-keys with a file of keys.")
        }
        openAI = Self.access(command, .chat, environment)
        anthropic = Self.access(command, .messages, environment)
        run = try RunSettings(serving: command, environment: environment)
        guard run.simulator == nil else { return }
        // One provider is enough: requests for the other API get the error.
        let access: AccessOptions
        if case .failure = openAI, case .success(let other) = anthropic {
            access = other
        } else {
            access = try openAI.get()
        }
        run.baseURL = access.baseURL
        run.headers = access.headers
        try run.spread(over: access.servers, hasOwnConcurrency: command.isGiven("concurrency"))
        let all = [openAI, anthropic].compactMap { try? $0.get() }.flatMap(\.servers).flatMap(\.headers)
        run.secrets = Secrets(environment: environment, headers: all)
        run.judgeAnswers(command)
    }

    private static func access(
        _ command: ParsedCommand, _ endpoint: RequestBuilder.Endpoint, _ environment: [String: String]
    ) -> Result<AccessOptions, RetortError> {
        do throws(RetortError) {
            return .success(try AccessOptions(command, endpoint: endpoint, environment: environment))
        } catch {
            return .failure(error)
        }
    }

    package func access(to provider: Provider) -> Result<AccessOptions, RetortError> {
        provider == .anthropic ? anthropic : openAI
    }

    /// Why the provider's API is not served; nil if it is.
    package func objection(to provider: Provider) -> RetortError? {
        if case .failure(let error) = access(to: provider) { error } else { nil }
    }

    /// Throws if the base URL is the listening address itself, so that requests would loop.
    package func refuseLoop(port: UInt16) throws(RetortError) {
        let servers = [openAI, anthropic].compactMap { try? $0.get() }.flatMap(\.servers)
        for url in servers.map(\.text.url) where run.simulator == nil {
            let server = ServerAddress(url)
            let isHere =
                OriginRule.isLoopback(server.host.filter { $0 != "[" && $0 != "]" }) || server.host == address.host
                || server.host == "0.0.0.0"
            guard isHere, server.port ?? (server.scheme == "https" ? 443 : 80) == port else { continue }
            throw RetortError(
                .configuration, "the base URL is the address that is listened on", at: url,
                remedy: "Name the server that answers with --base-url, or listen on another port.")
        }
    }
}
