import Basics
package import CommandLine

/// The options for monitoring and controlling runs.
package enum LiveOptions {
    package static let group = "Watching"

    package static let all: [OptionSpec] = [
        OptionSpec(
            "listen", kind: .string, valueName: "HOST:PORT",
            summary: "serve a live page at / and Prometheus metrics at /metrics, e.g. 127.0.0.1:7788",
            details: """
                Port 0 takes a free one. The page's address is printed at the start. Addresses other than loopback need \
                --listen-token-file.
                """, group: group),
        OptionSpec(
            "listen-token-file", kind: .path, summary: "a file with the token that the page's buttons need",
            details:
                "On other addresses than loopback every request needs it: Authorization: Bearer TOKEN, or ?token=.",
            group: group),
        detach,
        OptionSpec(
            "log", kind: .path, valueName: "FILE", summary: "append events of the run as JSON lines",
            details: """
                Start, holds, changes, the first failed item of each class, and the end. At \
                \(Human.bytes(EventLog.bytesMaxDefault)) the file becomes FILE.1; maximum \(EventLog.filesKept) \
                such files are kept.
                """, group: group),
        OptionSpec(
            "otlp", kind: .string, valueName: "URL",
            summary: "send a span per item to this OpenTelemetry collector, e.g. http://127.0.0.1:4318",
            details: """
                A span for each answer and failed item, with the names of the conventions for generative AI, and the \
                histograms of durations and tokens, as JSON over HTTP to URL/v1/traces and URL/v1/metrics. Retried \
                attempts have no span. A slow or unreachable collector loses spans, which are counted at the end of \
                the run, and never delays the run. OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME and \
                OTEL_RESOURCE_ATTRIBUTES are used.
                """, group: group, environment: "OTEL_EXPORTER_OTLP_ENDPOINT"),
        OptionSpec(
            "notify", kind: .string, valueName: "COMMAND|URL",
            summary: "run this, or post to it, at the end, at many failures, and when most of --max-cost is spent",
            details: """
                A shell command has RETORT_EVENT (end, failures or budget), RETORT_TEXT and RETORT_STORE in its environment. An \
                address (http:// or https://) gets a JSON object with event, text, store and counts, in up to four \
                attempts. Failures and budget are reported once.
                """, group: group),
        OptionSpec(
            "notify-failures", kind: .number(0...100), valueName: "PERCENT",
            summary: "share of failed items that runs --notify", group: group, default: "10"),
        OptionSpec(
            "notify-budget", kind: .number(0...100), valueName: "PERCENT",
            summary: "share of --max-cost that runs --notify", group: group, default: "80"),
    ]

    /// The options of a server, whose --listen is for its clients.
    package static let ofServer: [OptionSpec] = all.filter { $0.name != detach.name }.map { option in
        var option = option
        switch option.name {
        case "listen":
            option.name = serverName
            option.details = """
                An address of its own: clients' keys open no page, and the page's token no API. Addresses other than loopback \
                need --live-token-file.
                """
        case "listen" + tokenSuffix: option.name = serverName + tokenSuffix
        default: break
        }
        return option
    }

    /// The option for the page's address when `--listen` has another meaning.
    static let serverName = "live"
    static let tokenSuffix = "-token-file"

    private static let detach = OptionSpec(
        "detach", summary: "continue in the background once the run is accepted; messages go to OUT.log",
        details:
            "Prints the process, the log and the page's address. status, ctl, watch and list find the run by its store.",
        group: group)
}
