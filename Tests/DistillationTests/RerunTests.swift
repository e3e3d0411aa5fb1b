import Basics
import CommandLine
import Glibc
import PromptSource
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation

/// What `--on-change rerun` does before a request is sent.
@Suite struct RerunTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    private func rows(_ prompts: [String]) -> String {
        prompts.enumerated().map { #"{"id":"q\#($0)","prompt":"\#($1)"}"# + "\n" }.joined()
    }

    /// A store with an answer to each row except the first, which failed.
    private func fill(_ text: String) throws {
        let plant = try Plant(in: folder)
        let items = try plant.plan(text).items
        try plant.answer(Array(items.dropFirst()))
        try plant.fail([items[0]])
        try plant.store.close()
    }

    /// The messages about it, line by line.
    private func supersede(_ text: String, _ flags: String...) throws -> [String] {
        let path = try folder.write("in.jsonl", text)
        let out = try folder.write("said", "")
        let descriptor = open(out, O_WRONLY)
        defer { close(descriptor) }
        let messages = MessageStream(
            descriptor: descriptor, terminal: Terminal(isTerminal: false, width: 80), palette: .plain, progress: .none)
        let settings = try settings(
            [path, "--out", folder.path + "/out", "--simulate", "--on-change", "rerun"] + flags)
        let session = RunSession(settings: settings, messages: messages, isQuiet: false)
        try session.supersedeChangedItems(
            try InputSet.resolve(settings.inputs, format: nil), JobDescription(settings))
        return try PosixFileSystem().text(of: out).split(separator: "\n").map(String.init)
    }

    private func reader() throws -> StoreReader { try StoreReader(folder.path + "/out", options: StoreAccess.options) }

    @Test func changedItemsArePendingAndTheOthersStay() throws {
        try fill(rows(["a", "b", "c", "d"]))
        let said = try supersede(rows(["other", "b", "new", "d"]))
        #expect(said.last?.contains("2 items changed since the last run (1 answered, 1 failed)") == true)
        let reader = try reader()
        #expect(try reader.lookup(RecordKey("q0")) == nil && reader.lookup(RecordKey("q2")) == nil)
        #expect(try reader.lookup(RecordKey("q1")) != nil && reader.lookup(RecordKey("q3")) != nil)
        #expect(try reader.superseded(.responses).records == 1 && reader.superseded(.failures).records == 1)
    }

    @Test func anInputThatIsTheStoresOwnIsNotCompared() throws {
        let text = rows(["a", "b"])
        try fill(text)
        let input = try InputSet.resolve([folder.path + "/in.jsonl"], format: nil)
        let manifest = try #require(try RecordStore.manifest(of: folder.path + "/out"))
        let job = JobDescription(try settings("in", "--out", "o", "--simulate"))
        #expect(!job.comparesRows(of: input, with: manifest, .rerun))
        #expect(
            !JobDescription(try settings("in", "--out", "o", "--simulate", "--seed", "1"))
                .comparesRows(of: input, with: manifest, .keep))
        #expect(
            JobDescription(try settings("in", "--out", "o", "--simulate", "--seed", "1"))
                .comparesRows(of: input, with: manifest, .rerun))
    }

    @Test func aParameterMakesTheJobAnotherOne() throws {
        let text = rows(["a", "b", "c"])
        try fill(text)
        _ = try supersede(text, "--temperature", "0.5")
        let reader = try reader()
        #expect(reader.manifest.job["temperature"] == "0.5")
        #expect(reader.counters.done == 0 && reader.counters.failed == 0)
    }

    @Test func rowsWithoutAnIdAreKnownByWhatTheyAsk() throws {
        let row = #"{"prompt":"tea"}"# + "\n"
        let text = row + row + #"{"prompt":"milk"}"# + "\n"
        try fill(text)
        #expect(
            try supersede(#"{"prompt":"milk"}"# + "\n" + row + row + row).last
                == "no prompt changed since it was answered")
        let said = try supersede(text, "--seed", "3")
        #expect(said.last?.contains("3 items changed") == true)
    }

    @Test func whatShowsInNoRequestCannotChange() throws {
        try fill(rows(["a"]))
        for flags in [["--split-think", "--quiet"], ["--reject-finish", "length"]] {
            let error = failure { _ = try supersede(rows(["a"]), flags[0], flags[1]) }
            #expect(error?.code == .configuration && error?.remedy?.contains("cannot change") == true)
        }
        #expect(try reader().counters.failed == 1)
    }

    /// No advice that the next command would reject.
    @Test func onlyWhatHelpsIsAdvised() throws {
        try fill(rows(["a"]))
        let manifest = try #require(try RecordStore.manifest(of: folder.path + "/out"))
        func advice(_ flags: String...) throws -> String {
            let job = JobDescription(try settings(["in.jsonl", "--out", "o", "--simulate"] + flags))
            return failure { try job.check(against: manifest.job, at: "o", onChange: .refuse) }?.remedy ?? ""
        }
        #expect(try advice("--seed", "1").contains("--on-change rerun"))
        #expect(try !advice("--split-think").contains("--on-change"))
        #expect(try !advice("--seed", "1", "--reject-finish", "length").contains("--on-change"))
        #expect(try advice("--samples", "9") == "")
    }

    @Test func aPlanAsksWhatTheRunWould() throws {
        try fill(rows(["a", "b", "c"]))
        let path = try folder.write("in.jsonl", rows(["a", "new", "other", "d"]))
        func plan(_ policy: String) throws -> RunPlan {
            try RunPlan(try settings([path, "--out", folder.path + "/out", "--simulate", "--on-change", policy]))
        }
        let (keep, rerun) = (try plan("keep"), try plan("rerun"))
        #expect([keep.done, keep.failed, keep.changed, keep.new] == [2, 1, 2, 1])
        #expect([rerun.done, rerun.failed, rerun.changed, rerun.new] == [0, 1, 2, 3])
    }
}

@Suite struct ServerNoteTests {
    @Test(arguments: [
        ("https://api.example.com/v1", "https://api.example.com/v1"),
        ("https://me:sesame@api.example.com/v1", "https://api.example.com/v1"),
        ("http://a@b@host:8000/v1/@x", "http://host:8000/v1/@x"),
        ("https://host/v1?key=sesame#part", "https://host/v1"),
        ("https://host/d?key=sesame&api-version=2024-10-21", "https://host/d?api-version=2024-10-21"),
        ("host", "host"), ("", ""),
    ])
    func secretsAreLeftOut(url: String, kept: String) { #expect(ServerNote.withoutSecrets(url) == kept) }
}
