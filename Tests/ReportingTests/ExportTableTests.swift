import Basics
import JSONText
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Reporting

/// Tables of values: columns, cells, and which column names are used by which formats.
@Suite struct ExportTableTests {
    /// The CSV of a store whose answers have these values; an empty one has none.
    private func csv(
        _ values: [String], schema: String = "", ids: Bool = false, metadata: MetadataForm = .none
    ) throws -> (lines: [String], report: Exporter.Report) {
        let folder = LivingFixture.Folder()
        try LivingFixture.makeStore(
            folder("store"),
            successes: values.enumerated().map { number, value in
                var token: [UInt8] = []
                JSONString.append(value, to: &token)
                return ("id-\(number)", #""response":"r","value":\#(LivingFixture.text(token)),"metadata":"{\"k\":1}""#)
            })
        let exporter = Exporter(
            filter: ExportFilter(),
            renderer: ExportRenderer(
                format: .json, reasoning: .drop, withIDs: ids, hasSamples: false, metadata: metadata, container: .csv,
                declared: try ValueColumns(schema: Array(schema.utf8))),
            output: try OutputFile(folder("out.csv"), replacing: true), test: nil)
        let report = try exporter.run(try StoreReader(folder("store"), options: StoreAccess.options))
        let text = try PosixFileSystem().text(of: folder("out.csv"))
        return (text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init), report)
    }

    @Test func aColumnForEachMember() throws {
        let (lines, report) = try csv(
            [#"{"a":1,"b":"x\"y"}"#, "", #"{ "b":null, "c":[1, "\n"] }"#, #"{"a":-2,"b":""}"#],
            ids: true, metadata: .fields(["k"]))
        #expect(
            lines == [
                #""id","sample","a","b","c","k""#, #""id-0",0,1,"x""y",,1"#, #""id-2",0,,,"[1,""\n""]",1"#,
                #""id-3",0,-2,"",,1"#, "",
            ])
        #expect(report.written == 3 && report.leftOut == [.noValue: 1])
    }

    @Test func aSchemaNamesColumnsThatNoValueHas() throws {
        let schema = #"""
            {"$ref":"#/$defs/r~1s","$defs":{"r/s":{"properties":{"late":{"type":"integer"},"n":{"type":"number"},
            "loop":{"$ref":"#/$defs/loop"}}},"loop":{"$ref":"#/$defs/loop"}}}
            """#
        let (lines, _) = try csv([#"{"n":1,"late":2.0}"#, #"{"n":1.5e0}"#], schema: schema)
        #expect(lines == [#""late","n","loop""#, "2,1.0,", ",1.5e0,", ""])
    }

    @Test func aColumnWhoseValuesDifferIsText() throws {
        let schema = #"{"type":"object","properties":{"n":{"type":"integer"}}}"#
        let (lines, _) = try csv([#"{"n":1}"#, #"{"n":123456789012345678901}"#, #"{"n":"x"}"#], schema: schema)
        #expect(lines == [#""n""#, #""1""#, #""123456789012345678901""#, #""x""#, ""])
    }

    @Test func valuesThatAreNoObjectsAreOneColumn() throws {
        #expect(try csv(["1", "null", "2.5"]).lines == [#""value""#, "1.0", #""""#, "2.5", ""])
        #expect(try csv(["[1]"], schema: #"{"type":"array"}"#).lines == [#""value""#, #""[1]""#, ""])
    }

    @Test func halfOfAPairIsReplacedInNamesAndTexts() throws {
        let (lines, report) = try csv([#"{"a\ud800":"\udc00"}"#])
        #expect(lines == ["\"a\u{FFFD}\u{FFFD}\u{FFFD}\"", "\"\u{FFFD}\"", ""])
        #expect(report.replaced == 1)
    }

    @Test func whatMakesNoTableIsRefused() throws {
        #expect(throws: RetortError.self) { try csv(["", ""]) }
        #expect(throws: RetortError.self) { try csv([#"{"id":1}"#], ids: true) }
        #expect(throws: RetortError.self) { try csv([#"{"k":1}"#], metadata: .fields(["k"])) }
        let wide = (0...ValueColumns.columnsMax).map { #""m\#($0)":1"# }.joined(separator: ",")
        #expect(throws: RetortError.self) { try csv(["{\(wide)}"]) }
    }

    @Test(
        arguments: [
            (nil, ["x"], false, ExportFormat.messages, ExportContainer.lines), (nil, ["x.csv"], false, .json, .csv),
            (nil, ["x.PARQUET"], false, .messages, .parquet), (nil, ["x.parquet"], true, .json, .parquet),
            ("messages", ["x.parquet"], true, .messages, .parquet), ("csv", ["-"], false, .json, .csv),
            ("parquet", ["x"], false, .json, .parquet), ("json", ["x.json"], true, .json, .lines),
            (nil, ["x.csv.gz", "y.csv"], false, .json, .csv), ("text", ["-", "-"], false, .text, .lines),
        ] as [(String?, [String], Bool, ExportFormat, ExportContainer)])
    func theNameDecidesWithTheFormat(
        _ word: String?, _ paths: [String], _ isChecked: Bool, _ format: ExportFormat, _ container: ExportContainer
    ) throws {
        let shape = try ExportShape(word: word, paths: paths, isChecked: isChecked)
        #expect(shape.format == format && shape.container == container)
    }

    @Test(
        arguments: [
            ("messages", ["x.csv"]), ("csv", ["x.jsonl.gz"]), ("parquet", ["x.csv"]), ("openai-batch", ["x.parquet"]),
            (nil, ["x.csv", "y.parquet"]), (nil, ["x.tsv"]), (nil, ["x.parquet.gz"]), (nil, ["x.jsonl", "y.csv"]),
        ] as [(String?, [String])])
    func namesThatSayOtherwiseAreRefused(_ word: String?, _ paths: [String]) {
        #expect(throws: RetortError.self) { try ExportShape(word: word, paths: paths, isChecked: true) }
    }

    @Test func aValueIsCompactedOutsideItsTexts() {
        let text = "{ \"a \\\" b\" :\n[ 1 ,\t\"\\\\\" ] }"
        #expect(LivingFixture.text(JSONLine.compact(text.utf8)) == #"{"a \" b":[1,"\\"]}"#)
    }
}
