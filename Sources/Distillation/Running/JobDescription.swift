package import Basics
import CommandLine
import Dataset
import JSONText
import ModelAPI
package import SegmentStore
import Verifiers

/// The settings that a store's answers depend on, as in the manifest. Server, rates and retries are not part of it:
/// they may change from run to run.
package struct JobDescription: Sendable, Hashable {
    package var values: [String: String]
    /// The option that sets the check, for messages.
    private var checkOption: String?
    /// The check's schema.
    private var schema: [UInt8]?

    package init(_ settings: RunSettings) {
        var values = settings.parameterTexts
        // Without a model each row names its own.
        values["model"] = settings.parameters.model.isEmpty ? nil : settings.parameters.model
        values[RowScheme.name] = RowScheme.current
        values["endpoint"] = settings.endpoint.rawValue
        values["samples"] = String(settings.samples)
        if let template = settings.templateText {
            let hash = Array(template.utf8).withUnsafeBytes { ContentHash.hash64($0) }
            values["template"] = Hexadecimal.string(hash)
        }
        if settings.simulator != nil { values["simulated"] = "yes" }
        if settings.continues { values["continue"] = "yes" }
        if settings.splitsThinking { values["split_think"] = "yes" }
        if !settings.rejectedFinishReasons.isEmpty {
            values["reject_finish"] = settings.rejectedFinishReasons.sorted().joined(separator: ",")
        }
        if let check = settings.check { values[AnswerCheck.jobName] = check.jobText }
        if let verifier = settings.verifier { values[StoredVerdicts.jobName] = verifier.spec.text }
        values[FillOptions.jobName] = settings.fill?.jobText
        if settings.items != nil { values[ItemsOption.jobName] = ItemsOption.jobText }
        checkOption = settings.check?.option
        schema = settings.check?.schema
        self.values = values
    }

    /// The same job for a store with records of an earlier one: rows are named and compared as they were then, and an
    /// equivalent schema in another spelling is replaced by the store's.
    package func adopting(_ manifest: StoreManifest?) -> JobDescription {
        guard let manifest else { return self }
        var job = self
        job.values[RowScheme.name] = manifest.job[RowScheme.name]
        if let schema, let stored = manifest.notes?[AnswerCheck.note], let hash = Self.valueHash(schema),
            hash == Self.valueHash(Array(stored.utf8)), let text = manifest.job[AnswerCheck.jobName]
        {
            job.values[AnswerCheck.jobName] = AnswerCheck.jobText(text, repairingAs: values[AnswerCheck.jobName])
        }
        return job
    }

    private static func valueHash(_ text: [UInt8]) -> UInt64? { try? JSONParser().valueHash(text) }

    /// Whether a store's job differs from this one only in the template.
    package func isOtherTemplate(than stored: [String: String]) -> Bool {
        guard values["template"] != nil, values["template"] != stored["template"] else { return false }
        let names = Set(values.keys).union(stored.keys).subtracting(["samples", "template"])
        return names.allSatisfy { values[$0] == stored[$0] }
    }

    /// Settings that decide which answers count or how they are stored, but do not change the request: no fingerprint
    /// shows a change of them.
    private static let unseenNames: Set<String> = [
        "simulated", "split_think", "reject_finish", "answers", "verifier", FillOptions.jobName,
        ItemsOption.jobName,
    ]

    /// The same job for a store that may be for more samples than this run sends.
    package func keepingSamples(of manifest: StoreManifest) -> JobDescription {
        var job = self
        if let samples = values["samples"].flatMap({ Int($0) }), samples < manifest.samples {
            job.values["samples"] = String(manifest.samples)
        }
        return job
    }

    /// Throws `.configuration` naming the differences if the store has another job. Under `.rerun` differences that
    /// show in the requests are allowed: the changed items are sent again.
    package func check(
        against stored: [String: String], at root: String, onChange: ChangePolicy
    ) throws(RetortError) {
        // Samples can be added later, and fewer are allowed.
        var names = Set(values.keys).union(stored.keys).subtracting(["samples"]).sorted()
        if onChange == .rerun { names.removeAll { !Self.unseenNames.contains($0) } }
        let differences = names.compactMap { name -> String? in
            let (here, there) = (values[name] ?? "unset", stored[name] ?? "unset")
            return here == there ? nil : "\(name) is \(there) in the store, \(here) in this run"
        }
        guard !differences.isEmpty else { return }
        // A setting that shows in no request cannot be changed by sending requests again.
        let canRerun =
            onChange != .rerun && !names.contains { Self.unseenNames.contains($0) && values[$0] != stored[$0] }
        let isOfCheck = values[AnswerCheck.jobName] != stored[AnswerCheck.jobName]
        throw RetortError(
            .configuration, "the store has different settings", at: root,
            cause: differences.joined(separator: "; "),
            remedy: isOfCheck ? remedyOfCheck(root) : remedy(onChange, canRerun: canRerun))
    }

    /// Answers with another check can be judged again at no cost.
    private func remedyOfCheck(_ root: String) -> String {
        guard let checkOption else {
            return "Give the store's --schema, --fields or --json, or use another --out directory."
        }
        return
            "`retort check \(ShellText.quoted(root)) \(checkOption)` judges the stored answers by it, offline; then run the "
            + "same command again. Or match the store's settings, or use another --out directory."
    }

    private func remedy(_ onChange: ChangePolicy, canRerun: Bool) -> String {
        if onChange == .rerun {
            return "--on-change rerun cannot change these: match the store's settings, or use another --out directory."
        }
        guard canRerun else { return "Match the store's settings, or use another --out directory." }
        return
            "Match the store's settings, use another --out directory, or --on-change rerun to send every item again "
            + "whose request has changed."
    }
}
