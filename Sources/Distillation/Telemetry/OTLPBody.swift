import Basics
import Dataset
import JSONText
import ModelAPI

/// Bodies of OTLP/HTTP in JSON: identifiers are hexadecimal, 64-bit integers are strings, names are in camel case.
enum OTLPBody {
    /// The attributes that identify this run, in every body.
    typealias Resource = [(name: String, value: String)]
    private typealias Member = JSONTree.Member

    private static let clientKind = 3
    private static let errorStatus = 2
    private static let cumulative = 2

    static func attribute(_ name: String, _ value: String) -> JSONTree {
        .object([Member("key", .text(name)), Member("value", .object([Member("stringValue", .text(value))]))])
    }

    static func attribute(_ name: String, _ value: Int) -> JSONTree {
        .object([Member("key", .text(name)), Member("value", .object([Member("intValue", .text(String(value)))]))])
    }

    /// One `ExportTraceServiceRequest`.
    static func traces(_ spans: [JSONTree], _ resource: Resource) -> [UInt8] {
        whole("resourceSpans", "scopeSpans", [Member("spans", .list(spans))], resource)
    }

    /// One `ExportMetricsServiceRequest`.
    /// - Parameters:
    ///   - start: when counting began, in nanoseconds since 1970.
    ///   - now: in nanoseconds since 1970.
    static func metrics(
        _ metrics: TelemetryMetrics, start: UInt64, now: UInt64, _ resource: Resource
    ) -> [UInt8] {
        let groups = metrics.groups.sorted { String(describing: $0.key) < String(describing: $1.key) }
        var durations: [JSONTree] = []
        var tokens: [JSONTree] = []
        for (group, values) in groups {
            let common = attributes(of: group.server, model: group.model)
            let failed = group.errorType.isEmpty ? [] : [attribute("error.type", group.errorType)]
            durations.append(
                point(values.duration, TelemetryMetrics.durationBounds, common + failed, start, now))
            for (kind, histogram) in [("input", values.input), ("output", values.output)] where histogram.count > 0 {
                let attributes = common + [attribute("gen_ai.token.type", kind)]
                tokens.append(point(histogram, TelemetryMetrics.tokenBounds, attributes, start, now))
            }
        }
        let all = [
            metric("gen_ai.client.operation.duration", "s", "Duration of a request to a model.", durations),
            metric("gen_ai.client.token.usage", "{token}", "Tokens of a request to a model.", tokens),
        ]
        return whole("resourceMetrics", "scopeMetrics", [Member("metrics", .list(all))], resource)
    }

    private static func whole(
        _ outer: String, _ inner: String, _ members: [Member], _ resource: Resource
    ) -> [UInt8] {
        let scope = JSONTree.object([Member("name", .text("retort")), Member("version", .text(RetortVersion.text))])
        let attributes = JSONTree.list(resource.map { attribute($0.name, $0.value) })
        return JSONTree.object([
            Member(
                outer,
                .list([
                    .object([
                        Member("resource", .object([Member("attributes", attributes)])),
                        Member(inner, .list([.object([Member("scope", scope)] + members)])),
                    ])
                ]))
        ]).line
    }

    private static func attributes(of server: TelemetryServer, model: String) -> [JSONTree] {
        var attributes = [
            attribute("gen_ai.operation.name", server.operation), attribute("gen_ai.provider.name", server.provider),
        ]
        if !server.host.isEmpty { attributes.append(attribute("server.address", server.host)) }
        if server.port > 0 { attributes.append(attribute("server.port", server.port)) }
        if !model.isEmpty { attributes.append(attribute("gen_ai.request.model", model)) }
        return attributes
    }

    private static func metric(_ name: String, _ unit: String, _ text: String, _ points: [JSONTree]) -> JSONTree {
        .object([
            Member("name", .text(name)), Member("unit", .text(unit)), Member("description", .text(text)),
            Member(
                "histogram",
                .object([Member("dataPoints", .list(points)), Member("aggregationTemporality", .integer(cumulative))])),
        ])
    }

    private static func point(
        _ histogram: TelemetryMetrics.Histogram, _ bounds: [Double], _ attributes: [JSONTree], _ start: UInt64,
        _ now: UInt64
    ) -> JSONTree {
        .object([
            Member("attributes", .list(attributes)), Member("startTimeUnixNano", .text(String(start))),
            Member("timeUnixNano", .text(String(now))), Member("count", .text(String(histogram.count))),
            Member("sum", .real(histogram.sum)),
            Member("bucketCounts", .list(histogram.counts.map { .text(String($0)) })),
            Member("explicitBounds", .list(bounds.map { .real($0) })),
        ])
    }

    /// - Parameters:
    ///   - trace: 32 hexadecimal digits.
    ///   - id: 16 hexadecimal digits.
    ///   - message: the span's message, without secrets.
    static func span(
        _ span: TelemetrySpan, _ server: TelemetryServer, trace: String, id: String, message: String, stage: String?
    ) -> JSONTree {
        var members = [
            Member("traceId", .text(trace)), Member("spanId", .text(id)),
            Member("name", .text(span.asked.isEmpty ? server.operation : "\(server.operation) \(span.asked)")),
            Member("kind", .integer(clientKind)), Member("startTimeUnixNano", .text(String(span.start))),
            Member("endTimeUnixNano", .text(String(span.end))),
        ]
        var attributes = attributes(of: server, model: span.asked)
        attributes += answered(span)
        attributes.append(attribute("retort.item.id", String(decoding: span.id, as: UTF8.self)))
        if span.sample > 0 { attributes.append(attribute("retort.item.sample", Int(span.sample))) }
        if span.attempts > 1 { attributes.append(attribute("retort.item.attempts", span.attempts)) }
        if let stage { attributes.append(attribute("retort.stage", stage)) }
        if !span.failureClass.isEmpty {
            attributes.append(attribute("error.type", span.failureClass))
            if span.status > 0 { attributes.append(attribute("http.response.status_code", span.status)) }
            members.append(
                Member("status", .object([Member("code", .integer(errorStatus)), Member("message", .text(message))])))
        }
        members.append(Member("attributes", .list(attributes)))
        return .object(members)
    }

    /// The attributes of the answer.
    private static func answered(_ span: TelemetrySpan) -> [JSONTree] {
        var attributes: [JSONTree] = []
        let model = span.model.count > 2 ? JSONString.unescape(span.model.dropFirst().dropLast()) : []
        if !model.isEmpty {
            attributes.append(attribute("gen_ai.response.model", String(decoding: model, as: UTF8.self)))
        }
        if !span.finishReason.isEmpty {
            let reasons = JSONTree.list([.object([Member("stringValue", .text(span.finishReason))])])
            attributes.append(
                .object([
                    Member("key", .text("gen_ai.response.finish_reasons")),
                    Member("value", .object([Member("arrayValue", .object([Member("values", reasons)]))])),
                ]))
        }
        for (name, count) in [
            ("input_tokens", span.usage.prompt), ("output_tokens", span.usage.completion),
            ("reasoning.output_tokens", span.usage.reasoning), ("cache_read.input_tokens", span.usage.cached),
        ] where count > 0 {
            attributes.append(attribute("gen_ai.usage.\(name)", count))
        }
        if let seconds = span.firstToken?.seconds {
            attributes.append(
                .object([
                    Member("key", .text("gen_ai.response.time_to_first_chunk")),
                    Member("value", .object([Member("doubleValue", .real(seconds))])),
                ]))
        }
        return attributes
    }
}
