import Basics
import CommandLine
import TestSupport
import Testing

@testable import Dataset
@testable import Distillation
@testable import RetortCommands

/// Damaged job files: each is read, or gives an error that names the file and, if there is one, the line. Never a trap
/// or a hang. `RETORT_FUZZ_MINUTES` runs it longer, `RETORT_FUZZ_SEED` repeats a run.
@Suite struct JobFileFuzzTests {
    private static let wholes = [
        "input: prompts.jsonl\nout: runs/a\nmodel: m\nmax-tokens: 2000\nstop: [\"\\n\\n\", \"END\"]\n",
        "input: [a.jsonl, b.csv]\nprompt: |\n  Explain {{topic}} to\n  @system {{age}}.\nsamples: 4\n",
        "# a remark\nmodel: &m 'x: y'\ntemperature: 1e-1\nseed: \"\\u00e9\\x41\"\nprompt: >-\n  folded {{a}}\n  text\n",
        "? out\n: runs/b\n? input\n: - a\n  - b\n", "%YAML 1.1\n---\nout: !!str a\n...\n",
    ]

    private static let pieces = [
        ":", "- ", "[", "]", "{", "}", "&a ", "*a", "!!binary ", "|", ">", "\t", "\n", "\r", "---\n", "...\n", "%TAG",
        "?",
        "\"", "'", "#", "{{", "}}", "@user", "\u{0}", "\u{1B}", "\u{2028}", "\u{FEFF}", "é", "input: ", "n: 3\n",
        "<<: *a\n",
        String(repeating: "[", count: 300), String(repeating: "a", count: 5000), "\"\\ud800\"", "\"\\U00110000\"",
    ]

    private static func damaged(_ random: inout SeededGenerator) -> [UInt8] {
        var text = Array(random.pick(wholes).utf8)
        for _ in 0..<1 + random.below(6) {
            let at = random.below(text.count + 1)
            switch random.below(6) {
            case 0: text.removeSubrange(at..<min(text.count, at + random.below(20)))
            case 1: text.insert(contentsOf: random.pick(pieces).utf8, at: at)
            case 2: if at < text.count { text[at] = UInt8(truncatingIfNeeded: random.next()) }
            case 3: text.removeLast(min(text.count, random.below(text.count + 1)))
            case 4: text.insert(contentsOf: Array(random.pick(wholes).utf8), at: at)
            default: text.insert(contentsOf: text[at...].prefix(random.below(60)), at: at)
            }
        }
        return text
    }

    @Test func damagedFilesAreReadOrRefused() {
        let run = FuzzRun(secondsMin: 1)
        let given = run.seedGiven
        let first = given ?? UInt64.random(in: 0...UInt64.max >> 1)
        var seed = first
        var (read, refused) = (0, 0)
        repeat {
            var random = SeededGenerator(seed: seed)
            let text = String(decoding: Self.damaged(&random), as: UTF8.self)
            do throws(RetortError) {
                let job = try JobFile(parsing: text, name: "job.yaml", options: RunCommand.spec.options)
                read += 1
                if let place = job.settings.first(where: { !$0.place.hasPrefix("job.yaml:") })?.place {
                    Issue.record("a setting without a line: \(place), seed \(seed)")
                }
            } catch {
                refused += 1
                if error.place?.hasPrefix("job.yaml") != true || error.message.isEmpty {
                    Issue.record("no place in \(error), seed \(seed)")
                }
            }
            seed &+= 1
        } while given == nil && !run.isOver
        if given == nil { #expect(read > 0 && refused > 0, "from seed \(first)") }
    }
}
