import Basics
import Foundation
import JSONText
import Testing

@testable import PromptSource

@Suite struct MatrixTests {
    private func axis(_ name: String, _ values: [String], _ weights: [Double]? = nil) -> Matrix.Axis {
        Matrix.Axis(name: name, values: values.map { Array($0.utf8) }, weights: weights)
    }

    private func rows(_ matrix: Matrix, from landmark: Landmark = .start, limit: Int = 10_000) throws -> [Row] {
        let reader = RowReader(InputSet(matrix, name: "m"), from: landmark)
        var rows: [Row] = []
        while rows.count < limit, let row = try reader.next() { rows.append(row) }
        return rows
    }

    private func texts(_ rows: [Row]) -> [String] {
        rows.map { row in if case .json(let text) = row.content { String(decoding: text, as: UTF8.self) } else { "bad" }
        }
    }

    @Test func everyCombinationHasItsTurnTheLastListFastest() throws {
        let matrix = try Matrix([axis("level", ["3", "4"]), axis("topic", [#""a""#, #""b,c""#])])
        let rows = try rows(matrix)
        #expect(
            texts(rows) == [
                #"{"id":"level=3,topic=a","level":3,"topic":"a"}"#,
                #"{"id":"level=3,topic=b%2Cc","level":3,"topic":"b,c"}"#,
                #"{"id":"level=4,topic=a","level":4,"topic":"a"}"#,
                #"{"id":"level=4,topic=b%2Cc","level":4,"topic":"b,c"}"#,
            ])
        #expect(rows.map(\.number) == [0, 1, 2, 3])
        #expect(matrix.rowCount == 4)
    }

    @Test func aTextThatLooksLikeAnotherValueHasAnIDOfItsOwn() throws {
        let values = ["1", #""1""#, "true", #""true""#, "null", #""null""#, #""x""#, #""\"1\"""#, "[1]", #""[1]""#]
        let ids = try rows(try Matrix([axis("a", values)])).compactMap { row -> String? in
            guard case .json(let text) = row.content else { return nil }
            return try JSONParser().parse(text).root["id"]?.string
        }
        #expect(
            ids == [
                "a=1", #"a="1""#, "a=true", #"a="true""#, "a=null", #"a="null""#, "a=x", "a=%221%22", "a=[1]",
                #"a="[1]""#,
            ])
        // A single copy keeps its id.
        #expect(try texts(rows(try Matrix([axis("a", [#""1""#])]))) == [#"{"id":"a=1","a":"1"}"#])
    }

    @Test func conditionsThatCombinationsAreComparedWithAreBounded() throws {
        let numbers = (1...1000).map(String.init)
        // All values of the first list are excluded, separately for each value of the second.
        let rules = (0..<100).map { Matrix.Rule(matches: [0: [$0], 1: Set(0..<1000)]) }
        let matrix = try Matrix([axis("a", numbers), axis("b", numbers)], excluding: rules)
        let error = #expect(throws: RetortError.self) { try matrix.row(from: 0, stepsMax: 100_000) }
        #expect(error?.message.contains("more than 1000 combinations") == true)
        #expect(try matrix.row(from: 98_000, stepsMax: 1_000_000)?.next == 100_001)
    }

    @Test func theFirstCopyKeepsItsNameWhenThereAreMore() throws {
        let one = try texts(rows(try Matrix([axis("a", ["1", "2"])])))
        let two = try texts(rows(try Matrix([axis("a", ["1", "2"])], copies: 2)))
        #expect(two.count == 4)
        #expect(one[1].contains(#""id":"a=2""#) && two[2].contains(#""id":"a=2""#))
        #expect(two[3] == #"{"id":"a=2,copy=2","a":2,"copy":2}"#)
    }

    @Test func conditionsLeaveCombinationsOutAndNumbersWithoutGaps() throws {
        let axes = [axis("a", ["1", "2", "3"]), axis("b", ["1", "2", "3"]), axis("c", ["1", "2"])]
        func ids(_ excluded: [[Int: Set<Int>]], _ wanted: [[Int: Set<Int>]]) throws -> [String] {
            let matrix = try Matrix(axes, excluding: excluded.map(Matrix.Rule.init), only: wanted.map(Matrix.Rule.init))
            let rows = try rows(matrix)
            #expect(rows.map(\.number) == Array(0..<UInt64(rows.count)))
            #expect(matrix.rowCount == nil || excluded.isEmpty && wanted.isEmpty)
            return texts(rows).map { String($0.dropFirst(7).prefix(11)).filter(\.isNumber) }
        }
        /// The expected rows, found by testing each combination.
        func expected(_ excluded: [[Int: Set<Int>]], _ wanted: [[Int: Set<Int>]]) -> [String] {
            (0..<18).map { [$0 / 6, $0 / 2 % 3, $0 % 2] }.filter { values in
                func matches(_ rule: [Int: Set<Int>]) -> Bool { rule.allSatisfy { $1.contains(values[$0]) } }
                return !excluded.contains(where: matches) && (wanted.isEmpty || wanted.contains(where: matches))
            }.map { $0.map { String($0 + 1) }.joined() }
        }
        let cases: [([[Int: Set<Int>]], [[Int: Set<Int>]])] = [
            ([[0: [1]]], []), ([[1: [0, 2], 2: [1]]], []), ([[0: [0]], [1: [1], 2: [0]], [0: [2], 2: [1]]], []),
            ([], [[0: [2]]]), ([], [[1: [1]], [2: [1], 0: [0]]]), ([[2: [0]]], [[1: [2]]]), ([[:]], []), ([], [[:]]),
        ]
        for (excluded, wanted) in cases {
            #expect(try ids(excluded, wanted) == expected(excluded, wanted), "\(excluded) \(wanted)")
        }
    }

    @Test func aBillionCombinationsCostNothingUntilTheyAreRead() throws {
        let values = (0..<1000).map(String.init)
        let axes = [axis("a", values), axis("b", values), axis("c", values)]
        let matrix = try Matrix(axes)
        #expect(matrix.rowCount == 1_000_000_000)
        let late = Landmark(file: 0, byteOffset: 999_999_998, line: 999_999_999, row: 999_999_998)
        #expect(try texts(rows(matrix, from: late)).map { $0.contains("a=999,b=999") } == [true, true])
        // Excluded combinations are skipped together.
        let last = try Matrix(axes, only: [Matrix.Rule(matches: [0: [999], 1: [999]])])
        #expect(try rows(last).count == 1000)
        #expect(throws: RetortError.self) { try Matrix(axes + axes) }
        #expect(throws: RetortError.self) { try Matrix(axes, copies: 1 << 40) }
    }

    @Test func aLandmarkGivesTheRestAgain() throws {
        let matrix = try Matrix(
            [axis("a", ["1", "2", "3"]), axis("b", ["1", "2", "3"])], excluding: [Matrix.Rule(matches: [1: [1]])],
            copies: 2)
        let all = try rows(matrix)
        let reader = RowReader(InputSet(matrix, name: "m"))
        for taken in 0..<all.count {
            #expect(try rows(matrix, from: reader.landmark) == Array(all[taken...]))
            _ = try reader.next()
        }
        #expect(try rows(matrix, from: reader.landmark).isEmpty)
    }

    @Test func drawsFollowWeightsAndSeedAndGrowAtTheEnd() throws {
        let axes = [axis("a", [#""x""#, #""y""#, #""z""#], [3, 1, 0]), axis("b", ["1", "2"])]
        let small = try texts(rows(try Matrix(axes, draws: 100, seed: 7)))
        let large = try texts(rows(try Matrix(axes, draws: 4000, seed: 7)))
        #expect(Array(large[..<100]) == small)
        #expect(!large.contains { $0.contains("a=z") })
        let share = Double(large.count { $0.contains(#""a":"x""#) }) / 4000
        #expect(abs(share - 0.75) < 0.05)
        #expect(try texts(rows(try Matrix(axes, draws: 100, seed: 8))) != small)
        #expect(small[4].hasPrefix(#"{"id":"draw=5,a="#) && small[4].hasSuffix(#","draw":5}"#))
        // Draws that no rule allows are not rows.
        let none = try Matrix(axes, excluding: [Matrix.Rule(matches: [0: [0, 1]])], draws: 5)
        #expect(try !none.hasRows())
        let some = try texts(rows(try Matrix(axes, excluding: [Matrix.Rule(matches: [0: [0]])], draws: 50)))
        #expect(some.count == 50 && some.allSatisfy { $0.contains("a=y") })
    }

    @Test func longValuesMakeIdsThatStayApart() throws {
        let long = String(repeating: "é", count: 300)
        let matrix = try Matrix([axis("a", ["\"\(long)1\"", "\"\(long)2\"", #""\ud800\n""#])], copies: 2)
        let parser = PromptParser(InputSet(matrix, name: "m"), template: try Template.parse("{{a}}"))
        let ids = try rows(matrix).map { try #require(try parser.parse($0).explicitID) }
        #expect(Set(ids).count == 6)
        #expect(ids.allSatisfy { $0.count <= 230 && String(validating: $0, as: UTF8.self) != nil })
    }

    @Test func identitiesTellMatricesApart() throws {
        let base = try Matrix([axis("a", ["1", "2"])])
        let others = [
            try Matrix([axis("b", ["1", "2"])]), try Matrix([axis("a", ["12"])]),
            try Matrix([axis("a", ["1", "2"])], copies: 2),
            try Matrix([axis("a", ["1", "2"])], draws: 2), try Matrix([axis("a", ["1", "2"], [1, 2])], draws: 2),
            try Matrix([axis("a", ["1", "2"])], excluding: [Matrix.Rule(matches: [0: [0]])]),
            try Matrix([axis("a", ["1", "2"])], only: [Matrix.Rule(matches: [0: [0]])]),
        ]
        #expect(Set(others + [base]).count == others.count + 1)
        #expect(
            InputSet(base, name: "m").identity == InputSet(try Matrix([axis("a", ["1", "2"])]), name: "m").identity)
        #expect(InputSet(base, name: "m").identity != InputSet(others[0], name: "m").identity)
        let isRepeatable = InputSet(base, name: "m").files.allSatisfy { $0.isRepeatable }
        #expect(isRepeatable)
    }
}
