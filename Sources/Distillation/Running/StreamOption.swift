package import Basics
package import CommandLine
package import ModelAPI
package import ResponseGenerator

/// `--stream`: answers arrive piece by piece.
package enum StreamOption {
    package static let option = OptionSpec(
        "stream", summary: "request streams, and record the time to their first token",
        details: """
            For long answers behind gateways that close silent connections: bytes flow while the model thinks, and \
            --stall-timeout sees one that is stuck. Requests are otherwise equal, so a store may be begun without it \
            and continued with it. A broken stream is sent again; the failure keeps what was received of the last one.
            """, group: "The server")

    package static func isWanted(_ command: ParsedCommand, _ parameters: RequestParameters) throws(RetortError) -> Bool
    {
        guard command.flag("stream") else { return false }
        if let route = BatchOptions.batchRoute(command) {
            throw RetortError(
                .configuration, "a batch has no streams", at: command.origin(of: "stream"),
                remedy: "Leave out --stream or --via \(route).")
        }
        if let own = parameters.extra.first(where: { $0.name == "stream" }), own.value != Array("true".utf8) {
            throw RetortError(
                .configuration,
                "--stream and --param stream=\(String(decoding: own.value, as: UTF8.self)) contradict each other",
                remedy: "Leave one of the two out.")
        }
        return true
    }

    /// A line about the time to the first pieces; nil if there were no streams.
    package static func fact(_ progress: Progress) -> SummaryFact? {
        let times = progress.firstTokens
        guard let median = times.quantile(0.5), let most = times.quantile(0.95), let last = times.quantile(0.99) else {
            return nil
        }
        return (
            "first token",
            "\(Human.duration(median)) (median), \(Human.duration(most)) (95%), \(Human.duration(last)) (99%)"
        )
    }
}
