import Basics
import JobFiles
import Testing

@Suite struct YAMLReaderTests {
    private func read(_ text: String) -> (node: YAMLNode?, problems: [RetortError]) {
        var problems: [RetortError] = []
        let node = YAMLReader.read(text, file: "j.yaml", problems: &problems)
        return (node, problems)
    }

    /// libyaml takes time that grows with the square of the depth.
    @Test(.timeLimit(.minutes(1)), arguments: ["[", "{a: "]) func nestingIsBoundedBeforeItIsRead(_ piece: String) {
        let (node, problems) = read("x: " + String(repeating: piece, count: 200_000))
        #expect(node == nil && problems.first?.message.contains("nested deeper") == true, "\(problems)")
    }

    @Test func readsATreeWithPlaces() throws {
        let (root, problems) = read(
            "# head\na: 1\nb: [x, 'y z']\nc:\n  - p\n  - {q: r}\nd: |\n  two\n  lines\ne: \"\\u00e9\"\n")
        #expect(problems.isEmpty)
        let node = try #require(root)
        #expect(node.members?.map(\.name) == ["a", "b", "c", "d", "e"])
        #expect(node["b"]?.scalars?.map(\.text) == ["x", "y z"])
        #expect(node["c"]?.elements?[1]["q"]?.text == "r")
        #expect(node["c"]?.scalars == nil)
        #expect(node["d"]?.text == "two\nlines\n")
        #expect(node["e"]?.text == "é")
        #expect(node["a"]?.place == "j.yaml:2:4")
        #expect(node["c"]?.elements?[1].place == "j.yaml:6:5")
    }

    @Test(arguments: [
        ("a: 1\nb:\n  - c\n - d", "j.yaml:4:2"), ("- a", "j.yaml:1:1"), ("just text", "j.yaml:1:1"), ("", "j.yaml:1:1"),
        ("a: &x 1\nb: *x", "j.yaml:2:4"), ("a: 1\n---\nb: 2", "j.yaml:2:1"), ("a: 'open", "j.yaml:1:9"),
        ("a: 1\n\tb: 2", "j.yaml:2:1"), ("? [a]\n: b", "j.yaml:1:3"), ("? {a: b}\n: b", "j.yaml:1:3"),
    ])
    func saysWhereAFileIsSomethingElse(_ text: String, _ place: String) {
        let (node, problems) = read(text)
        #expect(node == nil)
        #expect(problems.map(\.place) == [place])
        #expect(problems.first?.code == .configuration)
    }

    @Test func namesThatOccurTwiceAreAllTold() {
        let (node, problems) = read("a: 1\na: 2\nb: {c: 1, c: 2}\n")
        #expect(node?["a"]?.text == "1")
        #expect(problems.map(\.place) == ["j.yaml:2:1", "j.yaml:3:11"])
    }

    @Test func depthAndLengthAreBounded() {
        #expect(read("a: " + String(repeating: "[", count: 40) + String(repeating: "]", count: 40)).node == nil)
        #expect(read("a: " + String(repeating: "[", count: 900)).node == nil)
        #expect(read(String(repeating: "#", count: YAMLReader.bytesMax + 1)).problems.count == 1)
        #expect(read("a: [" + String(repeating: "1,", count: 100_001) + "]").problems.count == 1)
    }

    @Test(arguments: [
        ("40", "40"), ("'40'", "\"40\""), ("true", "true"), ("yes", "\"yes\""), ("~", "null"), ("", "null"),
        ("0.5", "0.5"), (".5", "0.5"), ("+5", "5"), ("007", "7"), ("1.", "1.0"), ("-1e-3", "-1e-3"), ("1e+5", "1e5"),
        ("1e", "\"1e\""), ("-x", "\"-x\""), (".inf", "\".inf\""), ("1.2.3", "\"1.2.3\""), ("!!str 5", "\"5\""),
        ("{type: object, n: [1, a]}", #"{"type":"object","n":[1,"a"]}"#), ("|\n  5\n", #""5\n""#), ("0", "0"),
        ("-0", "-0"), ("a\"b", #""a\"b""#),
    ])
    func becomesJSON(_ yaml: String, _ json: String) throws {
        let node = try #require(read("v: \(yaml)").node?["v"])
        #expect(String(decoding: node.json, as: UTF8.self) == json)
    }
}
