package import Basics
import CommandLine
import Dataset
import JSONSchema
import JSONText
package import ModelAPI
package import ResponseGenerator
package import SegmentStore

/// Finds out which means make a server's answers follow a schema: `--schema-by auto`. A server may answer 200 and
/// ignore unknown parameters, so a probe sends a schema whose only valid answer no model gives on its own.
package struct SchemaProbe {
    package let settings: RunSettings
    package let transport: any ModelTransport
    package let store: RecordStore
    /// A budget shared by several runs; nil: the run's own cap applies.
    package let pool: BudgetPool?
    private let parser = JSONParser()
    private let classifier = Classifier()

    /// The question, and the only valid answer, which does not answer it.
    private static let question = "Which fruit is yellow and curved? Name it in one word."
    private static let schema = Array(
        (#"{"type":"object","properties":{"fruit":{"type":"string","enum":["slate-7413-quern"]}},"#
            + #""required":["fruit"],"additionalProperties":false}"#).utf8)
    /// Maximum attempts of a probe if the server is busy or cannot be reached.
    package static let attemptsMax = 4
    /// Maximum wait between two attempts, in seconds.
    private static let waitSecondsMax = 20.0

    /// The result, and the requests it took.
    package struct Finding: Hashable {
        package var means: SchemaMeans
        package var requests = 0
        package var tokens = 0
        /// Whether any probe was answered, and the message of the last refusal.
        package var isAnswered = false
        package var refusal: String?

        /// A line for display.
        package var text: String {
            "--schema-by auto: \(means.rawValue) works (\(Human.plural(requests, "probe")), "
                + "\(Human.count(tokens)) tokens)"
        }
    }

    package init(
        _ settings: RunSettings, _ transport: any ModelTransport, _ store: RecordStore, pool: BudgetPool? = nil
    ) {
        self.pool = pool
        self.settings = settings
        self.transport = transport
        self.store = store
    }

    /// Tries the API's means in order; instructions in the conversation always work.
    ///
    /// Throws the errors that would stop a run (a rejected key, an insufficient budget), and `.incomplete` if the
    /// server cannot be reached.
    package func find() async throws(RetortError) -> Finding {
        guard !settings.parameters.model.isEmpty else {
            throw RetortError(
                .usage, "--schema-by auto needs a model to probe",
                remedy: "Add --model NAME, or name a way: --schema-by.")
        }
        var finding = Finding(means: .prompt)
        for means in Self.means(settings) {
            if try await works(means, &finding) {
                finding.means = means
                return finding
            }
        }
        // If even a plain question is refused, the means are not the cause.
        if !finding.isAnswered { _ = try await works(.none, &finding) }
        if let refusal = finding.refusal, !finding.isAnswered {
            throw RetortError(
                .refused, "the server refused all probes of --schema-by auto", cause: refusal,
                remedy: "Check the model's name and the base URL, or name a way: --schema-by response-format.")
        }
        return finding
    }

    /// The means to try, in order: those that the server's grammar enforces come before those that a model may ignore.
    private static func means(_ settings: RunSettings) -> [SchemaMeans] {
        let tried = settings.endpoint.dialect.schemaMeans.filter { $0 != .prompt && $0 != .none }
        return tried.filter { $0 != .tool } + tried.filter { $0 == .tool }
    }

    /// The maximum number of requests; each is answered at most once.
    package static func requests(_ settings: RunSettings) throws(RetortError) -> [ModelRequest] {
        try means(settings).map { means throws(RetortError) in try probe(means, settings).request }
    }

    private static func probe(
        _ means: SchemaMeans, _ settings: RunSettings
    ) throws(RetortError) -> (request: ModelRequest, check: AnswerCheck) {
        let check = try AnswerCheck(schema: schema, name: "the probe's schema")
        var parameters = settings.untold
        try check.tell(by: means, in: &parameters, endpoint: settings.endpoint)
        let builder = try RequestBuilder(endpoint: settings.endpoint, parameters: parameters)
        var question: [UInt8] = []
        JSONString.append(Self.question, to: &question)
        return (try builder.request(.prompt(question[...])), check)
    }

    private func works(_ means: SchemaMeans, _ finding: inout Finding) async throws(RetortError) -> Bool {
        let (request, check) = try Self.probe(means, settings)
        for attempt in 1...Self.attemptsMax {
            switch try await send(request, &finding) {
            case .answer(let answer):
                finding.isAnswered = true
                guard let value = try? check.stage.value(in: answer.answerText(with: parser), finish: "") else {
                    return false
                }
                return value.layer == .whole
            case .stop(let error): throw error
            case .retry(_, let message, let after):
                guard attempt < Self.attemptsMax else { throw Self.unreachable(message) }
                try await wait(after, attempt)
            case .cancelled: throw Self.unreachable("the probe was given up")
            // Another 4xx status: this server does not support the means.
            case .refuse(let refusal):
                // The key, model or address is at fault, whatever is sent.
                if ![.request, .length, .shape].contains(refusal.suspect) { throw refusal.error }
                finding.refusal = refusal.message
                return false
            case .fail(_, let message), .ask(_, _, let message):
                finding.refusal = message
                return false
            }
        }
        return false
    }

    private static func unreachable(_ message: String) -> RetortError {
        RetortError(
            .incomplete, "the server could not be probed for --schema-by auto", cause: message,
            remedy: "Run the same command again, or name a way: --schema-by response-format, tool or prompt.")
    }

    private func wait(_ wanted: Interval?, _ attempt: Int) async throws(RetortError) {
        let wait = min(wanted ?? .seconds(Double(1 << (attempt - 1))), .seconds(Self.waitSecondsMax))
        do {
            try await Task.sleep(nanoseconds: UInt64(max(0, wait.nanoseconds)))
        } catch {
            throw Self.unreachable("the probe was given up")
        }
    }

    /// Sends a request and books its cost, before and after.
    private func send(_ request: ModelRequest, _ finding: inout Finding) async throws(RetortError) -> Verdict {
        let pricing = settings.pricing
        let price = pricing.price(ofBody: request.body, with: parser)
        let most = try pricing.costMax(of: request, price: price, with: parser) { "the probe" }
        var books = ProbeSpending(store.manifest.notes)
        if let limit = pricing.limit {
            guard try reserve(most, limit) else {
                throw RetortError(
                    .incomplete, "the probe of --schema-by auto could cost more than is left of the budget",
                    cause: "it may cost \(Human.dollars(Money.dollars(most)))",
                    remedy: "Raise --max-cost, or name a way: --schema-by response-format.")
            }
            books.uncertainMax = books.uncertainMax.addingSaturated(most)
            try books.write(to: store)
        }
        let result = await transport.send(request)
        finding.requests += 1
        let judgement = classifier.judge(result, of: AskedRequest(request), with: parser)
        finding.tokens = finding.tokens.addingSaturated(judgement.bill?.usage.total ?? 0)
        let cost = judgement.bill.map { $0.nanodollars(at: price) } ?? 0
        if let cost {
            books.uncertainMax = max(0, books.uncertainMax - most)
            books.spent = books.spent.addingSaturated(cost)
            try books.write(to: store)
            if pricing.limit != nil { pool?.give(max(0, most - cost)) }
        }
        return judgement.verdict
    }

    /// Whether that much may be spent; if so, it is taken from the shared budget.
    private func reserve(_ most: Int, _ limit: Int) throws(RetortError) -> Bool {
        if let pool { return pool.take(most) }
        let superseded = try Spending.superseded(in: try StoreReader(store.root, options: StoreAccess.options))
        let spent = Spending(
            store.counters, mark: store.mark, superseded: superseded, notes: store.manifest.notes)
        return Budget(limit: limit, spent: spent.recorded, uncertain: spent.uncertainMax).allows(most)
    }
}

/// The result of probing, as stored: a resumed run does not probe again.
package struct FoundMeans: Hashable {
    package var means: SchemaMeans
    package var server: String
    package var model: String

    private static let note = "schema_by"

    package init(_ means: SchemaMeans, _ settings: RunSettings) {
        self.means = means
        server = settings.simulator == nil ? ServerNote.withoutSecrets(settings.baseURL) : "simulator"
        model = settings.parameters.model
    }

    /// The stored result for the current server and model; nil if there is none.
    package init?(of manifest: StoreManifest, for settings: RunSettings) {
        guard let note = manifest.notes?[Self.note], let root = try? JSONParser().parse(note).root,
            let means = root["means"]?.string.flatMap(SchemaMeans.init(rawValue:))
        else { return nil }
        self.init(means, settings)
        guard root["server"]?.string == server, root["model"]?.string == model else { return nil }
    }

    package func write(to store: RecordStore) throws(RetortError) {
        var line = JSONLine()
        line.text("means", means.rawValue)
        line.text("server", server)
        line.text("model", model)
        try store.note(Self.note, String(decoding: line.finished, as: UTF8.self))
    }
}
