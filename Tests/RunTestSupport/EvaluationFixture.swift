package import Basics
package import Dataset
package import Distillation
import Filtering
import JSONText
package import Reporting
package import SegmentStore
package import Verifiers

/// A store with several answers per item, and a verifier that judges them by their text.
package struct EvaluationFixture {
    package let folder: LivingFixture.Folder
    package var root: String { folder("store") }

    /// - Parameter answers: ids, samples and texts.
    package init(_ answers: [(id: String, sample: UInt32, text: String)], samples: Int = 4) throws {
        folder = LivingFixture.Folder()
        let store = try RecordStore.create(
            root, job: ["model": "m"], failureClasses: RecordCodec.failureClasses, tallies: RecordTallies.names,
            samples: samples, options: StoreAccess.options)
        for (number, answer) in answers.enumerated() {
            _ = try store.append([
                NewRecord(
                    key: RecordKey(answer.id, sample: answer.sample), status: .ok, attempts: 1, row: UInt64(number),
                    fingerprint: 7, members: Array(members(answer.text).utf8))
            ])
        }
        try store.close()
    }

    private func members(_ text: String) -> String {
        var token: [UInt8] = []
        JSONString.append(text, to: &token)
        let response = String(decoding: token, as: UTF8.self)
        return #""messages":[{"role":"user","content":"ask"}],"messages_json":"","prompt":"","suffix":"","tools":"","#
            + #""response":\#(response),"reasoning":"","value":"{\"n\":\#(text.count)}","value_found":"whole","#
            + #""tool_calls":"","finish_reason":"stop","model":"m","usage":{"prompt_tokens":10,"completion_tokens":20,"#
            + #""reasoning_tokens":0,"cached_tokens":0},"cost_usd":0.25,"prices":"","rounds":1,"rounds_cost_usd":0.25,"#
            + #""verdict":"","latency_ms":100,"created":1700000000,"metadata":"{\"topic\":\"art\"}","other":"","body":"""#
    }

    package func evaluate(_ verifier: any Verifier, again: Bool = false) async throws -> StoreEvaluation.Counts {
        let store = try RecordStore.open(root, options: StoreAccess.options)
        let evaluation = StoreEvaluation(root: root, verifiers: [verifier], judgesAgain: again, answersMax: 3)
        let counts: Result<StoreEvaluation.Counts, RetortError>
        do throws(RetortError) { counts = .success(try await evaluation.run(store, Cancellation()) { _ in }) } catch {
            counts = .failure(error)
        }
        if case .success = counts { try EvaluationNote.write(try summary(verifier.name), to: store) }
        try store.close()
        return try counts.get()
    }

    package func summary(_ name: String, ks: [Int]? = nil) throws -> EvaluationSummary {
        try EvaluationSummary(try reader(), [name], ks: ks, keepsIDs: true)
    }

    package func reader() throws -> StoreReader { try StoreReader(root, options: StoreAccess.options) }

    package func selection(
        _ condition: String? = nil, best: Bool = false, unique: Bool = false
    ) throws -> ExportSelection {
        var wish = ExportSelection.Wish()
        wish.condition = try condition.map { try WhereClause($0, fields: ExportSelection.fields) }
        wish.verifier = "words"
        (wish.isBestOnly, wish.isUnique) = (best, unique)
        return try ExportSelection(wish, try reader())
    }
}

/// Passes texts with "good"; the score is the number of exclamation marks; "broken" texts are its failures.
package struct WordVerifier: Verifier {
    package var name: String
    /// The number of judgements.
    package let judged = Locked(0)
    /// The word that passes.
    package var word: String

    package init(name: String = "words", word: String = "good") {
        self.name = name
        self.word = word
    }

    package func judge(_ request: VerifierRequest) async throws(RetortError) -> Opinion {
        judged.withLock { $0 += 1 }
        let text = String(decoding: request.text, as: UTF8.self)
        guard !text.contains("broken") else { throw RetortError(.incomplete, "the verifier 'words' failed") }
        return Opinion(
            pass: text.contains(word), score: Double(text.count { $0 == "!" }), feedback: "read: \(text)",
            value: Array(#"{"program":"p"}"#.utf8))
    }
}
