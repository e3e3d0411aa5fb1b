package import Basics
import BatchDelivery
import CommandLine
import Dataset
import ModelAPI
package import PromptSource
package import SegmentStore

extension RunSession {
    /// Retries bad rows of another input or template: their failure records move to `superseded/`, and the rows are
    /// read again. A store with no other records takes this run's job.
    ///
    /// Returns the job that the store has then.
    package func takeUpBadRows(_ input: InputSet, _ job: JobDescription) throws(RetortError) -> JobDescription {
        guard let manifest = try RecordStore.manifest(of: settings.out) else { return job }
        let isSame = manifest.job == job.values
        if isSame, manifest.notes?[BadRowsNote.name] == BadRowsNote.text(input, settings) { return job }
        let reader = try StoreReader(settings.out, options: storeOptions)
        let counters = reader.counters
        let index = manifest.failureClasses.firstIndex(of: FailureClass.badInput.rawValue)
        let bad = index.map { $0 < counters.failedByClass.count ? counters.failedByClass[$0] : 0 } ?? 0
        // Answers waiting for a verifier would be sent again without one.
        let wantsVerifier =
            counters.rounds > 0 && settings.verifier == nil && manifest.job[StoredVerdicts.jobName] != nil
        // Batches in progress belong to the store's job.
        let isUnderWay = try BatchJournal(of: settings.out).open.contains(where: \.isSubmitted)
        let isBlank = counters.done == 0 && counters.failed == bad && !wantsVerifier && !isUnderWay
        guard bad > 0 || isBlank && !isSame else { return job }
        let revision = try StoreRevision(settings.out, options: storeOptions)
        defer { revision.release() }
        if bad > 0, let index {
            let status = RecordStatus.failed(classIndex: UInt8(clamping: index))
            for entry in try reader.failedEntries() where entry.recordStatus == status {
                try revision.supersede(entry)
            }
            if !isQuiet {
                let count = Human.count(Int(clamping: bad))
                messages.line(bad == 1 ? "1 bad row is read again" : "\(count) bad rows are read again")
            }
        }
        guard isBlank else {
            try revision.commit(job: manifest.job)
            return job
        }
        let fresh = JobDescription(settings)
        var values = fresh.values
        // The number of samples is raised later, as for any store.
        values["samples"] = manifest.job["samples"]
        try revision.commit(job: values)
        return fresh
    }
}

/// A note of how a store's rows were read when its bad rows were judged.
package enum BadRowsNote {
    package static let name = "rows_read_as"

    /// The version of the parser may change which rows can be sent.
    private static let version = "1"

    package static func text(_ input: InputSet, _ settings: RunSettings) -> String {
        var hash = input.identityHash
        let text = "\(version)|\(settings.metadataOnly.joined(separator: ","))|\(settings.templateText ?? "")"
        hash.low ^= Array(text.utf8).withUnsafeBytes { ContentHash.hash64($0) }
        return Hexadecimal.string(hash.high) + Hexadecimal.string(hash.low)
    }

    package static func write(_ input: InputSet, _ settings: RunSettings, to store: RecordStore) throws(RetortError) {
        let text = text(input, settings)
        if store.manifest.notes?[name] != text { try store.note(name, text) }
    }
}
