package import Basics
import CommandLine
package import Dataset
package import Distillation
import Glibc
package import ModelAPI
package import PromptSource
package import ResponseGenerator
import RetortCommands
package import SegmentStore

/// A new directory, removed with this object.
package final class Folder: Sendable {
    package let path: String

    package init() throws {
        var template = Array("/tmp/retort-commands-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw RetortError.system(errno, "mkdtemp", "/tmp") }
        path = String(cString: made)
    }

    deinit {
        var command = Array("rm -rf '\(path)'".utf8CString)
        _ = command.withUnsafeMutableBufferPointer { system($0.baseAddress!) }
    }

    /// Writes a file and returns its path.
    @discardableResult
    package func write(_ name: String, _ text: String) throws -> String {
        let place = "\(path)/\(name)"
        guard let file = fopen(place, "w") else { throw RetortError.system(errno, "open", place) }
        defer { fclose(file) }
        let bytes = Array(text.utf8)
        guard fwrite(bytes, 1, bytes.count, file) == bytes.count else {
            throw RetortError.system(errno, "write", place)
        }
        return place
    }
}

/// The settings of a command line.
package func settings(_ arguments: String..., environment: [String: String] = [:]) throws -> RunSettings {
    try settings(arguments, environment: environment)
}

package func settings(_ arguments: [String], environment: [String: String] = [:]) throws -> RunSettings {
    let parser = ArgumentParser(RetortProgram.spec)
    guard case .run(let command) = try parser.parse(["run"] + arguments, environment: environment) else {
        throw RetortError(.usage, "the command line asks for help")
    }
    return try RunSettings(command, environment: environment)
}

/// A store and its inputs, as in a run.
package struct Plant {
    package let folder: Folder
    package let settings: RunSettings
    package let store: RecordStore
    package let issued = IssuedKeys()

    package init(_ flags: String..., in folder: Folder) throws { try self.init(flags: flags, in: folder) }

    package init(flags: [String], in folder: Folder) throws {
        self.folder = folder
        settings = try RunTestSupport.settings(
            ["in.jsonl", "--out", folder.path + "/out", "--simulate"] + flags)
        if try RecordStore.manifest(of: settings.out) == nil {
            store = try RecordStore.create(
                settings.out, job: JobDescription(settings).values, failureClasses: RecordCodec.failureClasses,
                tallies: RecordTallies.names, samples: settings.samples)
        } else {
            store = try RecordStore.open(settings.out)
        }
    }

    package var codec: RecordCodec { RecordCodec(keepsBody: false, now: { 1_700_000_000 }) }

    package func input(_ text: String, name: String = "in.jsonl") throws -> InputSet {
        try InputSet.resolve([try folder.write(name, text)], format: nil)
    }

    package func planner(_ input: InputSet, _ standing: InputStanding, _ siblings: SiblingStores? = nil) -> RowPlanner {
        RowPlanner(
            settings, input: input, store: store, issued: issued, codec: codec, standing: standing, siblings: siblings)
    }

    /// Plans the whole input.
    package func plan(_ text: String) throws -> Planned { try plan(try input(text)) }

    package func plan(_ input: InputSet) throws -> Planned {
        let siblings = try SiblingStores(settings, job: JobDescription(settings))
        let standing = try InputStanding.begin(
            input, store, shard: settings.shard, looksElsewhere: siblings != nil)
        let planner = planner(input, standing, siblings)
        let rows = RowReader(input)
        var planned = Planned(findings: planner.findings)
        while let row = try rows.next() {
            switch try planner.plan(row) {
            case .items(let items): planned.items += items
            case .badRow(let records, let error):
                _ = try store.append(records)
                planned.bad += records
                planned.errors.append(error)
            case .otherShard: planned.ofOtherShards += 1
            }
        }
        planned.findings = planner.findings
        return planned
    }

    /// Records answers for items as the generator's sink does.
    package func answer(_ items: [Item<ItemContext>]) throws {
        let recorder = Recorder(store, codec: codec, issued: issued)
        _ = try recorder.accept(items.map { outcome(.answer(ModelAnswer(body: [])), of: $0) })
    }

    package func fail(_ items: [Item<ItemContext>], _ failureClass: FailureClass = .timeout) throws {
        let recorder = Recorder(store, codec: codec, issued: issued)
        _ = try recorder.accept(items.map { outcome(.failure(ItemFailure(failureClass, "no")), of: $0) })
    }
}

/// The result of a plan.
package struct Planned {
    package var items: [Item<ItemContext>] = []
    package var bad: [NewRecord] = []
    package var errors: [RetortError] = []
    package var findings: RowPlanner.Findings
    package var ofOtherShards = 0

    package var ids: [String] { items.map { String(decoding: $0.context.key.id, as: UTF8.self) } }
    package var keys: [String] { items.map { "\($0.context.key)" } }
}

package func outcome(_ result: OutcomeResult, of item: Item<ItemContext>, attempts: Int = 1) -> Outcome<ItemContext> {
    Outcome(
        context: item.context, result: result, attempts: attempts, latency: .milliseconds(812),
        finishedAt: Instant(nanoseconds: 0))
}

/// The error that the body throws, if it is a `RetortError`.
package func failure(_ body: () throws -> Void) -> RetortError? {
    do {
        try body()
        return nil
    } catch {
        return error as? RetortError
    }
}
