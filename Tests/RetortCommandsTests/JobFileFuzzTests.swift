import Basics
import CommandLine
import Glibc
import Testing

@testable import RetortCommands

/// Damaged job files: each is read, or an error that names the file and, where there is one, the line. Never a trap, never
/// a hang. `RETORT_FUZZ_MINUTES` runs it longer, `RETORT_FUZZ_SEED` repeats one.
@Suite struct JobFileFuzzTests {
    /// splitmix64
    private struct Random: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }

        mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }
        mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }
    }

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

    private static func damaged(_ random: inout Random) -> [UInt8] {
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

    private static func seconds() -> Double {
        let minutes = getenv("RETORT_FUZZ_MINUTES").flatMap { Double(String(cString: $0)) } ?? 0
        return minutes > 0 ? minutes * 60 : 1
    }

    @Test func damagedFilesAreReadOrRefused() {
        let given = getenv("RETORT_FUZZ_SEED").flatMap { UInt64(String(cString: $0)) }
        let first = given ?? UInt64.random(in: 0...UInt64.max >> 1)
        let end = Instant.now + .seconds(Self.seconds())
        var seed = first
        var (read, refused) = (0, 0)
        repeat {
            var random = Random(state: seed)
            let text = String(decoding: Self.damaged(&random), as: UTF8.self)
            do throws(RetortError) {
                let job = try JobFile(parsing: text, name: "job.yaml")
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
        } while given == nil && Instant.now < end
        if given == nil { #expect(read > 0 && refused > 0, "from seed \(first)") }
    }
}
