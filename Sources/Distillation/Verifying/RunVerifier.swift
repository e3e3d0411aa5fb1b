package import Basics
package import Dataset
import JSONText
package import ModelAPI
import PromptSource
package import ResponseGenerator
import SegmentStore
package import Verifiers

/// Judges a run's answers with the user's verifier, and creates the next turn when an answer is rejected. Safe to use
/// from any thread.
package final class RunVerifier: AnswerVerifier {
    private let verifier: any Verifier
    private let settings: VerifierSettings
    private let parsers = Locked<[JSONParser]>([])
    private let now: @Sendable () -> Instant

    package var name: String { verifier.name }
    package var keepsBest: Bool { settings.keepsBest }
    /// Additional answers are queued at the verifier, so that its processes are never idle.
    package var answersMax: Int { settings.workers * Self.answersPerWorker }

    package static let answersPerWorker = 2

    /// - Parameter withheld: environment variables that the verifier's processes do not get.
    package convenience init(_ settings: VerifierSettings, secrets: Secrets, withheld: Set<String>) throws(RetortError)
    {
        let inner = try settings.spec.verifier(
            VerifierOptions(
                workers: settings.workers, timeout: settings.timeout, sandbox: settings.sandbox,
                environment: settings.environment, withheld: withheld))
        self.init(settings, GuardedVerifier(inner: inner, secrets: secrets))
    }

    /// - Parameter verifier: used instead of the one that the settings name.
    package init(
        _ settings: VerifierSettings, _ verifier: any Verifier, now: @escaping @Sendable () -> Instant = { .now }
    ) {
        (self.settings, self.verifier, self.now) = (settings, verifier, now)
    }

    package func check() async throws(RetortError) { try await verifier.check() }

    package func close() async { await verifier.close() }

    package func judge(_ answer: ModelAnswer, of item: JudgedItem<ItemContext>) async -> VerifierRuling {
        let start = now()
        let request = withParser { parser in Self.request(answer, item, parser) }
        let opinion: Opinion
        do throws(RetortError) { opinion = try await verifier.judge(request) } catch {
            return .unable("\(error)")
        }
        let said = ItemOpinion(
            verifier: name, round: item.round, pass: opinion.pass, score: opinion.score,
            feedback: opinion.feedback ?? "", details: opinion.value ?? [], time: now() - start)
        if opinion.pass { return .accept(answer.with(verdict: verdict(said)[...]), passes: true) }
        if let next = next(after: answer, item.request, said, rejections: item.rejections) { return .ask(next, said) }
        if settings.keepsBest {
            let best = item.best.map { $0.opinion.score >= said.score ? $0 : RejectedAnswer(answer, said) }
            let kept = best ?? RejectedAnswer(answer, said)
            return .accept(kept.answer.with(verdict: verdict(kept.opinion)[...]), passes: false)
        }
        return .reject(said, message: Self.message(said), verdict: verdict(said))
    }

    /// The next request of an item whose answer was rejected; nil after its last round, or if it has no conversation to
    /// continue.
    package func next(
        after answer: ModelAnswer, _ request: ModelRequest, _ opinion: ItemOpinion, rejections: Int
    ) -> ModelRequest? {
        guard rejections + 1 < settings.roundsMax else { return nil }
        return withParser { parser in
            NextTurn.request(
                after: answer, of: request, saying: settings.feedback.text(opinion, answer), with: parser)
        }
    }

    /// The opinion as a record stores it: a JSON object.
    private func verdict(_ opinion: ItemOpinion) -> [UInt8] {
        var object = JSONLine()
        object.text("verifier", opinion.verifier)
        object.member("pass", opinion.pass ? "true" : "false")
        object.member("score", "\(opinion.score.isFinite ? opinion.score : 0)")
        object.text("feedback", opinion.feedback)
        if !opinion.details.isEmpty { object.member("value", opinion.details) }
        return object.finished
    }

    /// Maximum characters of feedback in a failure's message.
    private static let messageCharactersMax = 300

    private static func message(_ opinion: ItemOpinion) -> String {
        let line = opinion.feedback.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        let feedback = String(line.prefix(messageCharactersMax))
        return feedback.isEmpty ? "the verifier rejected the answer" : "the verifier rejected the answer: \(feedback)"
    }

    private static func request(
        _ answer: ModelAnswer, _ item: JudgedItem<ItemContext>, _ parser: JSONParser
    ) -> VerifierRequest {
        let context = item.context
        let judged = JudgedRow.make(asked: context.asked, metadata: context.metadata, with: parser)
        return VerifierRequest(
            id: context.key.id, sample: Int(context.key.sample), round: Int(item.round), row: judged.row,
            messages: judged.turns, response: Array(answer.responseRaw), value: answer.valueRaw.map(Array.init))
    }

    private func withParser<Result>(_ body: (JSONParser) -> Result) -> Result {
        let parser = parsers.withLock { $0.popLast() } ?? JSONParser()
        defer { parsers.withLock { $0.append(parser) } }
        return body(parser)
    }
}
