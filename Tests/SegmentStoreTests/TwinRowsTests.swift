import Basics
import TestSupport
import Testing

@testable import SegmentStore

/// Identical rows in several stores: which count as one, and which as two.
@Suite struct TwinRowsTests {
    private let files = SimulatedFileSystem(seed: 1)
    private var options: StoreOptions { StoreFixture.options(files, block: 900, segment: 1500) }

    /// A row in a store: a name that several rows may share, its number, how it ended, and its position.
    private struct Row {
        var id: String
        var row: UInt64
        var text: String
        var fails = false
        var sample: UInt32 = 0
    }

    private func append(_ rows: [Row], to store: RecordStore) throws {
        for row in rows {
            _ = try store.append([
                NewRecord(
                    key: RecordKey(row.id, sample: row.sample), status: row.fails ? .failed(classIndex: 1) : .ok,
                    attempts: 1, row: row.row, fingerprint: 3, members: Array("\"text\":\"\(row.text)\"".utf8))
            ])
        }
    }

    private func make(
        _ root: String, input: UInt64, _ rows: [Row], closes: Bool = true
    ) throws {
        let store = try RecordStore.create(
            root, job: [:], failureClasses: StoreFixture.classes, tallies: ["n"], samples: 2, options: options)
        try store.beginInput(identity: Hash128(high: input, low: 4), files: ["input"])
        try append(rows, to: store)
        if closes { try store.close() } else { files.kill() }
    }

    private func goOn(_ root: String, _ rows: [Row]) throws {
        let store = try RecordStore.open(root, options: options)
        try append(rows, to: store)
        try store.close()
    }

    private func copy(_ root: String, to target: String) {
        for (path, bytes) in files.snapshot where path.hasPrefix(root + "/") && !path.hasSuffix("/LOCK") {
            files.overwrite(target + path.dropFirst(root.count), with: bytes)
        }
    }

    /// Ids that begin with `t` are generated; their number follows a hyphen.
    @discardableResult
    private func merge(_ roots: [String], into target: String) throws -> MergeReport {
        let report = try StoreMerge.run(
            roots, into: target, options: options,
            generatedID: { line in
                guard let id = line.withUnsafeBytes({ RecordHead.parse($0) })?.key.id, id.first == UInt8(ascii: "t")
                else { return nil }
                return Array(id.prefix { $0 != UInt8(ascii: "-") })
            })
        let verified = try StoreVerification.run(target, options: options, deep: true)
        #expect(verified.problems == [])
        let found = try lines(target)
        #expect(found.count == Int(report.counters.done + report.counters.failed))
        #expect(report.sources.reduce(0) { $0 + $1.taken } == Int(report.counters.done))
        #expect(report.sources.reduce(0) { $0 + $1.failed } == Int(report.counters.failed))
        return report
    }

    /// Text and outcome by key.
    private func lines(_ root: String) throws -> [String: String] {
        var found: [String: String] = [:]
        let reader = try StoreReader(root, options: options)
        for lane in Lane.allCases {
            try reader.forEach(lane) { record in
                let line = String(decoding: record.line, as: UTF8.self)
                let text = line.split(separator: "\"text\":\"").last.map { $0.dropLast(2) } ?? ""
                found["\(record.head.key)"] = (lane == .failures ? "!" : "") + text
            }
        }
        return found
    }

    private func rows(_ store: String, _ ids: String..., fails: Set<String> = []) -> [Row] {
        ids.enumerated().map {
            Row(id: $1, row: UInt64($0), text: store + " " + $1, fails: fails.contains($1))
        }
    }

    @Test func ofTwoInputsBothStay() throws {
        try make("/a", input: 1, rows("a", "tx", "ty"))
        try make("/b", input: 2, rows("b", "tx", "ty"))
        let report = try merge(["/a", "/b"], into: "/m")
        #expect(try lines("/m") == ["tx": "a tx", "ty": "a ty", "tx-1": "b tx", "ty-1": "b ty"])
        #expect(report.sources[1].renamed == 2 && report.sources[1].superseded == 0)
    }

    @Test func idsOfTheRowsAreOneRow() throws {
        try make("/a", input: 1, rows("a", "x", "y"))
        try make("/b", input: 2, rows("b", "x", "z"))
        let report = try merge(["/a", "/b"], into: "/m")
        #expect(try lines("/m") == ["x": "a x", "y": "a y", "z": "b z"])
        #expect(report.sources[1].superseded == 1)
    }

    @Test func aStoreAndItsCopyAreOne() throws {
        try make("/a", input: 1, rows("a", "tx", "ty", "tx-1", "tz", fails: ["ty"]))
        copy("/a", to: "/b")
        try merge(["/a", "/b"], into: "/m")
        #expect(try lines("/m") == lines("/a"))
        // The copy was retried and continued.
        try goOn("/b", [Row(id: "ty", row: 1, text: "again"), Row(id: "tnew", row: 9, text: "new")])
        try merge(["/a", "/b"], into: "/m2")
        #expect(try lines("/m2") == lines("/b"))
        try merge(["/b", "/a"], into: "/m3")
        #expect(try lines("/m3") == lines("/b"))
    }

    @Test func storesOfOneInputAreOne() throws {
        try make("/a", input: 1, rows("a", "tx", "ty"))
        try make("/b", input: 1, rows("b", "tx", "ty", "tz"))
        try merge(["/a", "/b"], into: "/m")
        #expect(try lines("/m") == ["tx": "a tx", "ty": "a ty", "tz": "b tz"])
    }

    /// The next number that is not used in any store.
    @Test func numbersThatAreTakenAreLeftAlone() throws {
        try make("/a", input: 1, rows("a", "tx", "tx-1", "tx-2"))
        try make("/b", input: 2, rows("b", "tx", "tx-1"))
        try make("/c", input: 3, rows("c", "tx", "tx-4"))
        try merge(["/a", "/b", "/c"], into: "/m")
        let found = try lines("/m")
        #expect(found.count == 7)
        #expect(Set(found.values) == ["a tx", "a tx-1", "a tx-2", "b tx", "b tx-1", "c tx", "c tx-4"])
        for (id, text) in ["tx": "a tx", "tx-1": "a tx-1", "tx-2": "a tx-2", "tx-4": "c tx-4"] {
            #expect(found[id] == text)
        }
    }

    @Test func failuresAreRowsToo() throws {
        try make("/a", input: 1, rows("a", "tx", "ty", fails: ["tx"]))
        try make("/b", input: 2, rows("b", "tx", "ty", fails: ["ty"]))
        try merge(["/a", "/b"], into: "/m")
        #expect(try lines("/m") == ["tx": "b tx", "tx-1": "!a tx", "ty": "a ty", "ty-1": "!b ty"])
    }

    @Test func samplesStayWithTheirKey() throws {
        func both(_ name: String) -> [Row] {
            (0..<2).map { Row(id: "tx", row: 0, text: "\(name) \($0)", sample: UInt32($0)) }
        }
        try make("/a", input: 1, both("a"))
        try make("/b", input: 2, both("b"))
        try merge(["/a", "/b"], into: "/m")
        #expect(try lines("/m") == ["tx": "a 0", "tx#1": "a 1", "tx-1": "b 0", "tx-1#1": "b 1"])
    }

    @Test func linesOfJournalsAreRowsToo() throws {
        try make("/a", input: 1, rows("a", "tx", "ty"), closes: false)
        try make("/b", input: 2, rows("b", "tx", "tz", fails: ["tz"]), closes: false)
        try merge(["/a", "/b"], into: "/m")
        #expect(try lines("/m") == ["tx": "a tx", "ty": "a ty", "tz": "!b tz", "tx-1": "b tx"])
    }

    // MARK: Merges of merges

    @Test func aMergeAndItsSourcesAreTheMerge() throws {
        try make("/a", input: 1, rows("a", "tx", "ty"))
        try make("/b", input: 2, rows("b", "tx", "ty"))
        try merge(["/a", "/b"], into: "/m")
        let expected = try lines("/m")
        for (number, roots) in [["/m", "/a"], ["/m", "/b"], ["/a", "/m"], ["/m", "/b", "/a"], ["/m"]].enumerated() {
            try merge(roots, into: "/again-\(number)")
            #expect(try lines("/again-\(number)") == expected, "\(roots)")
        }
    }

    /// In the reverse order the numbers may differ, but each row occurs once.
    @Test func inAnyOrderNoRowIsLost() throws {
        try make("/a", input: 1, rows("a", "tx", "ty"))
        try make("/b", input: 2, rows("b", "tx", "ty"))
        try make("/c", input: 3, rows("c", "tx"))
        try merge(["/a", "/b"], into: "/ab")
        try merge(["/a", "/c"], into: "/ac")
        try merge(["/ab", "/ac"], into: "/abac")
        #expect(try Set(lines("/abac").values) == ["a tx", "a ty", "b tx", "b ty", "c tx"])
        try merge(["/ac", "/ab", "/c"], into: "/more")
        #expect(try Set(lines("/more").values) == ["a tx", "a ty", "b tx", "b ty", "c tx"])
        #expect(try lines("/more").count == 5)
    }

    /// A row that had failed when it was merged, and was retried in its own store.
    @Test func aRetriedSourceOfAMergeReplacesItsFailure() throws {
        try make("/a", input: 1, rows("a", "tx"))
        try make("/b", input: 2, rows("b", "tx", fails: ["tx"]))
        try merge(["/a", "/b"], into: "/m")
        #expect(try lines("/m") == ["tx": "a tx", "tx-1": "!b tx"])
        try goOn("/b", [Row(id: "tx", row: 0, text: "retried")])
        let report = try merge(["/m", "/b"], into: "/m2")
        #expect(try lines("/m2") == ["tx": "a tx", "tx-1": "retried"])
        #expect(report.counters.failed == 0)
    }

    @Test func aMergedStoreThatWentOnHasRowsOfItsOwn() throws {
        try make("/a", input: 1, rows("a", "tx"))
        try make("/b", input: 2, rows("b", "tx"))
        try merge(["/a", "/b"], into: "/m")
        try goOn("/m", [Row(id: "tnew", row: 7, text: "of m")])
        try make("/c", input: 3, rows("c", "tnew", "tx"))
        try merge(["/m", "/c"], into: "/m2")
        #expect(
            try lines("/m2")
                == ["tx": "a tx", "tx-1": "b tx", "tnew": "of m", "tnew-1": "c tnew", "tx-2": "c tx"])
    }

    @Test func aMergeGivesTheSameBytesAgain() throws {
        try make("/a", input: 1, rows("a", "tx", "ty"))
        try make("/b", input: 2, rows("b", "tx", "ty"))
        try merge(["/a", "/b"], into: "/m")
        try merge(["/a", "/b"], into: "/n")
        func bytes(_ root: String) -> [String: [UInt8]] {
            var bytes: [String: [UInt8]] = [:]
            for (path, content) in files.snapshot where path.hasPrefix(root + "/") && !path.hasSuffix("LOCK") {
                bytes[String(path.dropFirst(root.count))] = content
            }
            return bytes
        }
        #expect(bytes("/m") == bytes("/n"))
    }
}
