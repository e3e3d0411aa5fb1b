package import Basics
import Dataset
import ResponseGenerator
package import SegmentStore

extension RunSettings {
    /// Distributes requests over several servers: the run's window is the sum of theirs.
    package mutating func spread(over servers: [Server], hasOwnConcurrency: Bool) throws(RetortError) {
        self.servers = servers
        guard servers.count > 1 else { return }
        let standard = GeneratorConfiguration.concurrencyDefault
        generator.endpoints = servers.map { server in
            EndpointSettings(
                name: server.name, weight: server.text.weight,
                concurrency: server.text.concurrency ?? (hasOwnConcurrency ? nil : standard),
                limits: server.text.limits)
        }
        if !hasOwnConcurrency {
            let sum = servers.reduce(0) { $0 + ($1.text.concurrency ?? standard) }
            generator.concurrency = min(sum, GeneratorConfiguration.concurrencyMax)
        }
        try generator.validate()
    }

    /// The servers' names if there are several, in the order of the generator's endpoints.
    package var serverNames: [String] { servers.count > 1 ? servers.map(\.name) : [] }

    /// Stores where this run sends its requests; nothing for the built-in server.
    package func noteServers(in store: RecordStore, replacing: Bool) throws(RetortError) {
        guard simulator == nil, !baseURL.isEmpty else { return }
        guard replacing || ServerNote.url(in: store.manifest) == nil else { return }
        let several = servers.count > 1 ? servers.map(\.text.described).joined(separator: " ") : nil
        try store.note(ServerNote.name, several ?? ServerNote.withoutSecrets(baseURL))
    }
}
