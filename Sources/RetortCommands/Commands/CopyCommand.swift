import Basics
import CommandLine
import Dataset
import Distillation
import Glibc
import HashTree
import SegmentStore

/// `retort copy`: copies a store to another disk, also while a run writes it.
enum CopyCommand {
    static let spec = CommandSpec(
        "copy", summary: "copy a store, also while a run writes it; the next time only what is new",
        details: """
            Everything that was received when it began is in the copy, and at every moment the copy is a store that can be \
            read, resumed and merged. A copy that was interrupted is completed by the next. What only the copy has is never \
            overwritten: it is put aside as DEST.before-1, and a new copy is made.

            --verify compares the trees of block hashes of both, as `retort merge` makes them; no run may be writing.
            """,
        examples: [
            ExampleSpec("retort copy runs/a /backup/a", "a copy; again later: only what is new"),
            ExampleSpec("retort copy /tmp/a runs/a --every 60s", "again and again; Ctrl-C: a last time"),
            ExampleSpec("retort copy /tmp/a runs/a --verify --move", "prove the copy, then remove /tmp/a"),
        ],
        operands: [
            OperandSpec("STORE", kind: .path, summary: "the store directory"),
            OperandSpec("DEST", kind: .path, summary: "does not exist, or is an earlier copy of the store"),
        ],
        options: [
            OptionSpec("every", kind: .anyDuration, summary: "copy again after this time, until Ctrl-C or TERM"),
            OptionSpec("verify", summary: "compare the hashes of all blocks afterwards"),
            OptionSpec("move", summary: "remove STORE when the copy is verified"),
        ],
        exitCodes: [.notFound, .badData, .busy, .io, .configuration])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        let (source, target) = (command.operand("STORE")!, command.operand("DEST")!)
        let (verifies, moves) = (command.flag("verify"), command.flag("move"))
        if let pause = command.durationIfSet("every") {
            guard !verifies, !moves else {
                throw RetortError(
                    .usage, "--every does not go with --verify or --move", remedy: "Verify when the run has ended.")
            }
            try copyAgain(source, target, every: pause, context, isQuiet: command.flag("quiet"))
            return .ok
        }
        guard verifies || !moves else {
            throw RetortError(.usage, "--move needs --verify", remedy: "Add it: only a proven copy takes the place.")
        }
        let text: String
        if verifies {
            text = try CopiedStore.proven(source, target, moves: moves).text
        } else {
            text = CopiedStore.text(try StoreCopy.run(source, to: target, options: StoreAccess.options), target)
        }
        if !command.flag("quiet") { context.messages.line(text) }
        return .ok
    }

    /// Copies repeatedly until a signal, and a last time then. Waits for a store that does not exist yet.
    private static func copyAgain(
        _ source: String, _ target: String, every pause: Interval, _ context: CommandContext, isQuiet: Bool
    ) throws(RetortError) {
        let isEnding = Monitor(false)
        SignalWatcher.onSignal { _ in isEnding.update { $0 = true } }
        while true {
            let isLast = isEnding.wait(atMost: pause) { $0 ? () : nil } != nil
            do throws(RetortError) {
                let report = try StoreCopy.run(source, to: target, options: StoreAccess.options)
                if !isQuiet, report.bytes > 0 { context.messages.line(CopiedStore.text(report, target)) }
            } catch {
                if isLast { throw error }
                // The next attempt may succeed; the error of the last one is thrown.
                if error.code != .notFound { context.messages.line("not copied this time: \(error)") }
            }
            if isLast { return }
        }
    }
}

/// The result of copying a store.
struct CopiedStore {
    var report: CopyReport
    var target: String
    /// The hash tree's root over the blocks of both stores.
    var root: SHA256Digest

    /// Copies a store that no run writes, compares the hashes of both, and removes the original if `moves`.
    static func proven(_ source: String, _ target: String, moves: Bool) throws(RetortError) -> CopiedStore {
        var root = HashTree().root
        let report = try StoreCopy.run(
            source, to: target, removing: moves, options: StoreAccess.options,
            isEqual: { () throws(RetortError) in
                let here = try content(of: source)
                root = here.root
                do throws(RetortError) { return try content(of: target) == here } catch {
                    // A block with a wrong checksum means that the copy failed.
                    guard error.code == .damagedData else { throw error }
                    return false
                }
            })
        return CopiedStore(report: report, target: target, root: root)
    }

    private struct Content: Equatable {
        var root: SHA256Digest
        var done: UInt64
        var failed: UInt64
        var outside: Int
    }

    private static func content(of store: String) throws(RetortError) -> Content {
        let reader = try StoreReader(store, options: StoreAccess.options)
        let tree = try BlockManifest.tree(of: reader)
        return Content(
            root: tree.root, done: reader.counters.done, failed: reader.counters.failed,
            outside: reader.recordsOutsideBlocks)
    }

    var text: String { "\(Self.text(report, target)); verified, root \(root)" }

    static func text(_ report: CopyReport, _ target: String) -> String {
        var text = "\(target): \(Human.bytes(report.bytes)) copied, \(Human.plural(report.blocks, "block"))"
        if report.isLive { text += ", while a run is writing" }
        if let path = report.setAside { text += "; an earlier copy with records of its own is at \(path)" }
        return CellWidth.sanitized(text)
    }
}
