import Basics
import PromptSource
import Testing

@testable import JobFiles

@Suite struct MatrixReaderTests {
    private func read(_ yaml: String, lines: String = "algebra\n\n  topology \r\nalgae\n") -> (Matrix?, [RetortError]) {
        var problems: [RetortError] = []
        let root = YAMLReader.read(yaml, file: "j.yaml", problems: &problems)
        let members = Dictionary(uniqueKeysWithValues: (root?.members ?? []).map { ($0.name, $0) })
        let matrix = MatrixReader.read(members, problems: &problems) { (path) throws(RetortError) in
            guard path == "t.txt" else { throw RetortError(.inputMissing, "no such file or directory", at: path) }
            return lines
        }
        return (matrix, problems)
    }

    private func texts(_ matrix: Matrix?) throws -> [String] {
        guard let matrix else { return [] }
        let reader = RowReader(InputSet(matrix, name: "m"))
        var texts: [String] = []
        while let row = try reader.next() {
            if case .json(let text) = row.content { texts.append(String(decoding: text, as: UTF8.self)) }
        }
        return texts
    }

    @Test func listsLinesRangesAndValuesOfAnyKind() throws {
        let (matrix, problems) = read(
            """
            matrix:
              level: {range: [3, 4]}
              topic: {lines: t.txt}
              form: [short, {name: long, words: 500}]
            """)
        #expect(problems.isEmpty)
        let rows = try texts(matrix)
        #expect(rows.count == 12)
        #expect(rows[3].hasSuffix(#""level":3,"topic":"topology","form":{"name":"long","words":500}}"#))
    }

    @Test func conditionsNameValues() throws {
        let (matrix, problems) = read(
            """
            matrix: {level: [3, 4], topic: {lines: t.txt}, language: [ja, ko]}
            exclude:
              - {level: 3, language: ko}
              - {topic: [algae, topology]}
            where: {level: [3, 4]}
            per-combination: 2
            """)
        #expect(problems.isEmpty)
        #expect(try texts(matrix).count == 6)
    }

    @Test func samplesAreDrawnByWeights() throws {
        let (matrix, problems) = read(
            "matrix: {a: {weights: {x: 3, y: 0}}, b: [1, {value: 2, weight: 0}]}\nsample: {rows: 20, seed: 5}\n")
        #expect(problems.isEmpty)
        #expect(try texts(matrix).allSatisfy { $0.contains(#""a":"x","b":1"#) })
        #expect(try texts(read("matrix: {a: [1]}\nsample: 10_000\n").0).count == 10_000)
    }

    @Test(arguments: [
        ("matrix: [a]", "j.yaml:1:9", "not a mapping"), ("matrix: {a: b}", "j.yaml:1:13", "not a list"),
        ("matrix: {id: [a]}", "j.yaml:1:10", "cannot be called"), ("matrix: {a: []}", "j.yaml:1:13", "no values"),
        ("matrix: {a: [1, 2, 1]}", "j.yaml:1:20", "twice"), ("matrix: {a: {lines: x.txt}}", "x.txt", "no such file"),
        ("matrix: {a: {range: [5, 1]}}", "j.yaml:1:21", "range"),
        ("matrix: {a: {range: [-9223372036854775808, 9223372036854775807]}}", "j.yaml:1:21", "range"),
        ("matrix: {a: {weights: {x: -1}}}\nsample: 3", "j.yaml:1:27", "weight"),
        ("matrix: {a: {weights: {x: nan}}}\nsample: 3", "j.yaml:1:27", "weight"),
        ("matrix: {a: {weights: {x: 0}}}\nsample: 3", "j.yaml:1:13", "all 0"),
        ("matrix: {a: {weights: {x: 1}}}", "j.yaml:1:1", "nothing is drawn"),
        ("matrix: {a: [1]}\nper-combination: 0", "j.yaml:2:18", "integer"),
        ("matrix: {a: [1]}\nsample: {rows: 5, sed: 1}", "j.yaml:2:19", "no 'sed'"),
        ("matrix: {a: [1]}\nsample: {seed: 1}", "j.yaml:2:9", "rows"),
        ("matrix: {a: [1]}\nexclude: [{b: 1}]", "j.yaml:2:12", "no list 'b'"),
        ("matrix: {a: [1]}\nexclude: [{a: 2}]", "j.yaml:2:15", "no value 2"),
        ("matrix: {a: [1]}\nexclude: [a]", "j.yaml:2:11", "condition"),
        ("matrix: {a: [1]}\nexclude: [{a: 1}]", "j.yaml:2:1", "no combination"),
        (
            "matrix: {a: {range: [1, 1000000]}, b: {range: [1, 1000]}, z: [1, 2]}\nexclude: [{z: 1}, {z: 2}]",
            "j.yaml:1:1", "one by one"
        ),
        ("per-combination: 3", "j.yaml:1:1", "there is none"),
        ("matrix: {a: {lines: t.txt}}\nwhere: {a: [calculus]}", "j.yaml:2:13", "no value 'calculus'"),
    ])
    func everyMistakeHasItsPlace(_ yaml: String, _ place: String, _ words: String) {
        let (matrix, problems) = read(yaml)
        #expect(matrix == nil)
        #expect(problems.first?.place == place)
        #expect(problems.first?.message.contains(words) == true, "\(problems)")
    }

    @Test func tooManyRowsAreRefused() {
        let many = "[" + (0..<2000).map(String.init).joined(separator: ", ") + "]"
        let axes = ["a", "b", "c", "d", "e"].map { "\($0): \(many)" }.joined(separator: ", ")
        #expect(read("matrix: {\(axes)}").1.first?.remedy?.contains("sample") == true)
    }
}
