import Basics
import PromptSource
import ResponseGenerator
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation

@Suite struct ShardingTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    /// Rows of all kinds: with ids, without, identical, with a duplicate id, and malformed.
    private let text: String = {
        var text = ""
        for number in 0..<120 {
            switch number % 6 {
            case 0: text += #"{"id":"r\#(number)","prompt":"q"}"#
            case 1: text += #"{"prompt":"question \#(number)"}"#
            case 2: text += #"{"prompt":"the same"}"#
            case 3: text += #"{"id":"twin\#(number / 12)","prompt":"p \#(number)"}"#
            case 4: text += #"{"id":"bad\#(number)","prompt":"#
            default: text += "no row at all \(number / 12)"
            }
            text += "\n"
        }
        return text
    }()

    private func plant(_ name: String, _ flags: String...) throws -> Plant {
        try Plant(flags: ["--out", folder.path + "/" + name] + flags, in: folder)
    }

    private func keys(_ planned: Planned) -> [String] { planned.keys + planned.bad.map { "\($0.key)" } }

    @Test func allShardsTogetherAskWhatOneRunAsks() throws {
        let whole = try plant("whole").plan(text)
        var parts: [String] = []
        for number in 1...4 {
            let planned = try plant("shard-\(number)", "--shard", "\(number)/4").plan(text)
            #expect(planned.ofOtherShards > 0 && planned.ofOtherShards < 120)
            parts += keys(planned)
        }
        #expect(parts.sorted() == keys(whole).sorted())
        #expect(whole.bad.count > 20 && whole.items.count > 60)
    }

    @Test func ofSiblingsOnlyWhatIsMissingIsAsked() throws {
        var done: [String] = []
        for number in 1...2 {
            let plant = try plant("old-\(number)", "--shard", "\(number)/2")
            let planned = try plant.plan(text)
            // The second one was killed halfway.
            let answered = number == 1 ? planned.items : Array(planned.items.prefix(15))
            try plant.answer(answered)
            done += answered.map { "\($0.context.key)" } + planned.bad.map { "\($0.key)" }
            try plant.store.close()
        }
        var rest: [String] = []
        for number in 1...3 {
            let plant = try plant("new-\(number)", "--shard", "\(number)/3", "--siblings", folder.path + "/old-*")
            let planned = try plant.plan(text)
            #expect(planned.findings.elsewhere > 0)
            rest += keys(planned)
        }
        let whole = keys(try plant("whole").plan(text))
        #expect((done + rest).sorted() == whole.sorted())
    }

    @Test func aChangedPromptOfASiblingIsRefused() throws {
        let old = try plant("old")
        try old.answer(try old.plan(#"{"id":"a","prompt":"one"}"#).items)
        try old.store.close()
        let changed = #"{"id":"a","prompt":"two"}"#
        let siblings = ["--siblings", folder.path + "/old"]
        let refusing = try Plant(flags: ["--out", folder.path + "/n"] + siblings, in: folder)
        let error = #expect(throws: RetortError.self) { try refusing.plan(changed) }
        #expect(error?.code == .configuration)
        #expect(error?.description.contains("same id, different request in \(folder.path)/old") == true)
        let keeping = try Plant(flags: ["--out", folder.path + "/k", "--on-change", "keep"] + siblings, in: folder)
        #expect(try keeping.plan(changed).items.isEmpty)
    }

    @Test func whatAnotherRunIsAskingIsRefused() throws {
        let other = try plant("other", "--shard", "1/2")
        _ = try other.plan(text)
        func siblings(_ shard: Shard?) throws {
            let mine = try settings(
                "in.jsonl", "--out", folder.path + "/mine", "--simulate", "--siblings", folder.path + "/oth*")
            try SiblingStores(mine, job: JobDescription(mine))?.refuseOverlap(with: shard)
        }
        try siblings(Shard(3, of: 4))
        let error = #expect(throws: RetortError.self) { try siblings(Shard(2, of: 4)) }
        #expect(error?.code == .busy && error?.description.contains("it is at shard 1/2") == true)
        try other.store.close()
        try siblings(nil)
    }

    @Test func siblingsAreOfTheSameJob() throws {
        try plant("old", "--temperature", "1").store.close()
        let mine = try settings(
            "in.jsonl", "--out", folder.path + "/mine", "--simulate", "--siblings", folder.path + "/old")
        let error = #expect(throws: RetortError.self) { try SiblingStores(mine, job: JobDescription(mine)) }
        #expect(error?.description.contains("temperature") == true)
        let missing = try settings("in.jsonl", "--out", "x", "--simulate", "--siblings", folder.path + "/none")
        #expect(throws: RetortError.self) { try SiblingStores(missing, job: JobDescription(missing)) }
    }

    @Test func schedulersNameTheShard() throws {
        func shard(_ text: String, _ environment: [String: String] = [:]) throws -> Shard? {
            try settings("a", "--out", "b", "--simulate", "--shard", text, environment: environment).shard
        }
        #expect(try shard("3/64") == Shard(3, of: 64))
        #expect(try shard("auto/8", ["JOB_COMPLETION_INDEX": "0"]) == Shard(1, of: 8))
        #expect(try shard("auto/8", ["SLURM_ARRAY_TASK_ID": "8"]) == Shard(8, of: 8))
        let slurm = ["SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_COUNT": "5"]
        #expect(try shard("auto", slurm) == Shard(2, of: 5))
        for text in ["0/3", "4/3", "x/3", "3", "", "/", "1/", "auto/0", "1/2/3", "auto"] {
            #expect(throws: RetortError.self) { try shard(text, ["JOB_COMPLETION_INDEX": "9223372036854775807"]) }
        }
    }

    @Test func aShardKnowsItsRowsWhereverReadingBegan() throws {
        let text = (0..<400).map { #"{"id":"r\#($0)","prompt":"q"}"# + "\n" }.joined()
        var counts: [UInt64] = []
        for answered in [0, 40, 400] {
            let plant = try plant("s\(answered)", "--shard", "1/3")
            let input = try plant.input(text)
            try plant.answer(Array(try plant.plan(input).items.prefix(answered)))
            try plant.store.close()
            let again = try self.plant("s\(answered)", "--shard", "1/3")
            let held = again.store.counters.done
            let standing = try InputStanding.begin(input, again.store, shard: again.settings.shard)
            let planner = again.planner(input, standing)
            let rows = RowReader(input, from: standing.start(of: input, again.store))
            while let row = try rows.next() { _ = try planner.plan(row) }
            counts.append(planner.rowsOfShard(held: held))
        }
        #expect(Set(counts).count == 1 && (100...170).contains(counts[0]))
    }
}
