package import Basics
import CommandLine
import JSONText
package import SegmentStore

/// Results of a store's last evaluations, by verifier: a note in its manifest, for `retort status`.
package struct EvaluationNote: Hashable {
    package var judged: Int
    package var passed: Int

    package static let name = "evaluations"
    /// Maximum verifiers that are remembered.
    package static let verifiersMax = 20

    package static func read(_ manifest: StoreManifest) -> [String: EvaluationNote] {
        guard let text = manifest.notes?[name], let root = try? JSONParser().parse(text).root else { return [:] }
        var notes: [String: EvaluationNote] = [:]
        for (key, value) in root.members.prefix(verifiersMax) {
            guard let name = key.string, let judged = value["judged"]?.int, let passed = value["passed"]?.int else {
                continue
            }
            notes[name] = EvaluationNote(judged: max(0, judged), passed: max(0, passed))
        }
        return notes
    }

    /// Registers the verifier before there is a sum of its verdicts.
    package static func announce(_ verifier: String, in store: RecordStore) throws(RetortError) {
        var notes = read(store.manifest)
        guard notes[verifier] == nil else { return }
        notes[verifier] = EvaluationNote(judged: 0, passed: 0)
        try store.note(name, text(notes))
    }

    private static func text(_ notes: [String: EvaluationNote]) -> String {
        var line = JSONLine()
        for (key, note) in notes.sorted(by: { $0.key < $1.key }) {
            line.member(key, "{\"judged\":\(note.judged),\"passed\":\(note.passed)}")
        }
        return String(decoding: line.finished, as: UTF8.self)
    }

    package static func write(_ summary: EvaluationSummary, to store: RecordStore) throws(RetortError) {
        var notes = read(store.manifest)
        for tally in summary.verifiers {
            notes[tally.name] = EvaluationNote(judged: tally.judged, passed: tally.passed)
        }
        // The newest are kept.
        let newest = Set(summary.verifiers.map(\.name))
        while notes.count > verifiersMax, let old = notes.keys.sorted().first(where: { !newest.contains($0) }) {
            notes[old] = nil
        }
        try store.note(name, text(notes))
    }

    /// `tests: 92 of 164 passed (56.1%)`
    package static func lines(_ manifest: StoreManifest) -> [String] {
        read(manifest).filter { $0.value.judged > 0 }.sorted { $0.key < $1.key }.map { name, note in
            "\(name): \(Human.count(note.passed)) of \(Human.count(note.judged)) passed "
                + "(\(Human.percent(note.passed, of: note.judged)))"
        }
    }
}
