package import Basics
import CommandLine
import Dataset
import JSONSchema
import JSONText
package import ModelAPI
package import ResponseGenerator
package import SegmentStore

/// Asks the server once which means make its answers follow a schema: `--schema-by auto`. A server may answer 200 and
/// ignore what it does not know, so a schema is told whose only valid answer no model gives by itself.
package struct SchemaProbe {
    package let settings: RunSettings
    package let transport: any ModelTransport
    package let store: RecordStore
    /// What several runs spend together; nil: the run's own cap holds.
    package let pool: BudgetPool?
    private let parser = JSONParser()
    private let classifier = Classifier()

    /// What is asked, and the only answer that fits: it does not answer the question.
    private static let question = "Which fruit is yellow and curved? Name it in one word."
    private static let schema = Array(
        (#"{"type":"object","properties":{"fruit":{"type":"string","enum":["slate-7413-quern"]}},"#
            + #""required":["fruit"],"additionalProperties":false}"#).utf8)
    /// Attempts of one probe, where the server is busy or cannot be reached.
    package static let attemptsMax = 4
    /// The longest wait between two of them, seconds.
    private static let waitSecondsMax = 20.0

    /// What was found, and by how many requests.
    package struct Finding: Hashable {
        package var means: SchemaMeans
        package var requests = 0
        package var tokens = 0
        /// Whether any probe was answered, and what the last refusal said.
        package var isAnswered = false
        package var refusal: String?

        /// A line for the screen.
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

    /// Tries the means that the API has, in their order; instructions in the conversation are what always works.
    ///
    /// Throws what a run would stop at (a key that is refused, a budget that does not suffice), and `.incomplete` when the
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
        // Where even a plain question is refused it is not the means that are at fault.
        if !finding.isAnswered { _ = try await works(.none, &finding) }
        if let refusal = finding.refusal, !finding.isAnswered {
            throw RetortError(
                .refused, "the server refused all probes of --schema-by auto", cause: refusal,
                remedy: "Check the model's name and the base URL, or name a way: --schema-by response-format.")
        }
        return finding
    }

    /// What is tried, in order: what a server's grammar enforces comes before what a model may leave out.
    private static func means(_ settings: RunSettings) -> [SchemaMeans] {
        let tried = settings.endpoint.dialect.schemaMeans.filter { $0 != .prompt && $0 != .none }
        return tried.filter { $0 != .tool } + tried.filter { $0 == .tool }
    }

    /// The requests that are sent at most, each of which is answered once at most.
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
            // Another status of 400 and the like: this server does not know the means.
            case .refuse(let refusal):
                // The key, the model or the address are at fault whatever is asked.
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

    /// Sends a request and books what it has cost, before and after.
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

    /// Whether so much may be spent; then it is taken from what several runs share.
    private func reserve(_ most: Int, _ limit: Int) throws(RetortError) -> Bool {
        if let pool { return pool.take(most) }
        let superseded = try Spending.superseded(in: try StoreReader(store.root, options: StoreAccess.options))
        let spent = Spending(
            store.counters, mark: store.mark, superseded: superseded, notes: store.manifest.notes)
        return Budget(limit: limit, spent: spent.recorded, uncertain: spent.uncertainMax).allows(most)
    }
}

/// What a probe has found, as the store keeps it: a resume does not probe again.
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

    /// What was found of the server and the model that are asked now; nil where nothing was.
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
