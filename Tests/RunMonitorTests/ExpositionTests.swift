import Testing

@testable import RunMonitor

@Suite("Metrics as text")
struct ExpositionTests {
    private var metrics: Exposition {
        var metrics = Exposition()
        metrics.gauge(
            "a_items", "Items\nby \\state.", [.init(2, [("state", "do\"ne\\\n")]), .init(.infinity, [("state", "x")])])
        metrics.gauge("none", "Left out.", [])
        metrics.counter("b_requests", "Requests.", [.init(1.5)])
        metrics.histogram("c_seconds", "Times.", .init(bounds: [0.1, 1], counts: [1, 0, 2], sum: 7.25))
        return metrics
    }

    private let body = """
        # HELP a_items Items\\nby \\\\state.
        # TYPE a_items gauge
        a_items{state="do\\"ne\\\\\\n"} 2
        a_items{state="x"} +Inf

        """
    private let histogram = """
        # HELP c_seconds Times.
        # TYPE c_seconds histogram
        c_seconds_bucket{le="0.1"} 1
        c_seconds_bucket{le="1"} 1
        c_seconds_bucket{le="+Inf"} 3
        c_seconds_sum 7.25
        c_seconds_count 3

        """

    @Test("text 0.0.4: a counter's family is named as its samples")
    func text() {
        let counter = "# HELP b_requests_total Requests.\n# TYPE b_requests_total counter\nb_requests_total 1.5\n"
        #expect(metrics.text(.text) == body + counter + histogram)
    }

    @Test("OpenMetrics: a counter's family has no suffix, and the text has an end")
    func openMetrics() {
        let counter = "# HELP b_requests Requests.\n# TYPE b_requests counter\nb_requests_total 1.5\n"
        #expect(metrics.text(.openMetrics) == body + counter + histogram + "# EOF\n")
    }

    @Test(
        "OpenMetrics is for those that ask for it",
        arguments: [
            (nil, false), ("*/*", false), ("text/plain;version=0.0.4", false),
            ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", true),
            ("text/plain, Application/OpenMetrics-Text; q=0.1", true), ("application/openmetrics-text;q=0", false),
        ])
    func negotiation(accept: String?, isOpen: Bool) {
        #expect((Exposition.Format(accept: accept) == .openMetrics) == isOpen)
    }

    @Test("numbers that no integer holds are written as they are")
    func numbers() {
        #expect(Exposition.number(.nan) == "NaN")
        #expect(Exposition.number(-.infinity) == "-Inf")
        #expect(Exposition.number(1e300) == "1e+300")
        #expect(Exposition.number(-3) == "-3")
        #expect(Exposition.number(0.1) == "0.1")
    }
}
