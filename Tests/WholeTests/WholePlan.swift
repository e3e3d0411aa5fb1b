import Basics
import CommandLine
import Foundation
import SegmentStore
import TestSupport

@testable import Dataset
@testable import Distillation
@testable import Reporting
@testable import RetortCommands
@testable import Serving

/// What a seed determines of a whole job before it begins.
struct WholePlan {
    let seed: UInt64
    var rows: Int
    var samples: Int
    /// Whether answers must contain a value, and how often one without it is sent back.
    var isChecked: Bool
    var isVerified: Bool
    var hasCap: Bool
    var concurrency: Int
    /// The rate of failing requests.
    var trouble: Double
    /// Whether the server permanently refuses some rows.
    var refusesRows: Bool
    /// Number of processes with crashes, full disks and server failures. Later ones have none.
    var stormyLives: Int
    /// One of this many choices among ready jobs is not the oldest; 0: none.
    var shuffle: Int
    /// Whether crashes include power cuts.
    var cutsPower: Bool
    /// Whether slow requests are sent twice.
    var isHedged: Bool

    static let correctionsMax = 2
    static let roundsMax = 3
    static let tokensMax = 50

    init(seed: UInt64) {
        self.seed = seed
        var random = SeededGenerator(seed: seed)
        rows = 1 + random.below(random.below(4) == 0 ? 40 : 16)
        samples = random.below(4) == 0 ? 2 : 1
        isChecked = random.below(3) == 0
        isVerified = random.below(3) == 0
        hasCap = random.below(3) > 0
        concurrency = 1 + random.below(8)
        trouble = Double(random.below(60)) / 100
        refusesRows = random.below(4) == 0
        stormyLives = 2 + random.below(6)
        shuffle = random.below(3) == 0 ? 2 + random.below(4) : 0
        cutsPower = random.below(3) == 0
        isHedged = random.below(2) == 0
    }

    /// The approximate maximum cost of a first-round request: the unit of the caps.
    var worst: Int { 500_000 }

    /// Valid rows, one with another's id, and one that is malformed.
    static func line(_ row: Int) -> String {
        switch row % 13 {
        case 9: "oops"
        case 12: #"{"id":"q\#(row - 12)","prompt":"row \#(row)."}"#
        case 4, 7: #"{"prompt":"row \#(row)."}"#
        default: #"{"id":"q\#(row)","prompt":"row \#(row).","label":"of \#(row)"}"#
        }
    }

    /// Settings as the command line gives them, created once for all jobs of a kind.
    func settings() throws -> RunSettings {
        let key = "\(rows) \(samples) \(isChecked) \(isVerified)"
        return try Self.known.withLock { known in
            if let made = known[key] { return made }
            let made = try make()
            known[key] = made
            return made
        }
    }

    private func make() throws -> RunSettings {
        var arguments = [
            "run", try path(), "--out", "/store", "--base-url", "http://server.test/v1", "--model", "m", "--price",
            "1 0.5 2",
            "--max-tokens", "\(Self.tokensMax)", "--max-cost", "1000", "--attempts", "3", "--outage-max", "2m",
            "--reject-finish", "length", "--samples", "\(samples)",
        ]
        if isChecked { arguments += ["--fields", "mark:string", "--corrections", "\(Self.correctionsMax)"] }
        if isVerified { arguments += ["--verifier", "scripted", "--rounds", "\(Self.roundsMax)"] }
        guard case .run(let command) = try ArgumentParser(RetortProgram.spec).parse(arguments, environment: [:]) else {
            throw RetortError(.usage, "the command line asks for help")
        }
        var settings = try RunSettings(command, environment: [:])
        settings.verifier?.workers = 2
        return settings
    }

    private static let known = Locked<[String: RunSettings]>([:])

    /// The input: a file on the real disk, the same for all jobs with this many rows.
    private func path() throws -> String {
        let folder = "/tmp/retort-whole"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let text = (0..<rows).map { Self.line($0) + "\n" }.joined()
        let path = "\(folder)/rows-\(rows).jsonl"
        if (try? String(contentsOfFile: path, encoding: .utf8)) != text {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        }
        return path
    }
}
