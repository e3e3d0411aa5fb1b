import Basics
import CommandLine
import Glibc
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Reporting

@Suite struct ReportingPageTests {
    private static let hostile = #"</code><script>alert('x')</script><img src=x onerror="y">&amp;"#

    /// A store in which everything that a server or an input can choose contains markup.
    private func hostilePage() throws -> String {
        let store = try ReportingStore(rows: 9, job: ["model": Self.hostile, "endpoint": "chat"])
        try store.append([
            store.answer("a", finish: Self.hostile, model: Self.hostile),
            store.failure(Self.hostile, message: Self.hostile, body: Self.hostile + "\u{202E}\u{0}"),
        ])
        return ReportPage(try store.summary()).text
    }

    @Test func dataNeverBecomesMarkup() throws {
        let page = try hostilePage()
        #expect(!page.contains("<script"))
        #expect(!page.contains("<img"))
        #expect(!page.contains("\u{202E}"))
        #expect(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"))
        #expect(page.contains("&amp;amp;"))
    }

    @Test func nothingComesFromOutside() throws {
        let page = try hostilePage()
        #expect(page.contains("Content-Security-Policy"))
        #expect(page.contains("default-src &#39;none&#39;"))
        for word in ["http://", "https://", "@import", "url(", " src=", "javascript:"] {
            #expect(!page.replacing("src=x onerror", with: "").contains(word), "\(word)")
        }
    }

    @Test func everyDrawingHasATitleAndEveryTagAnEnd() throws {
        let page = try hostilePage()
        let drawings = page.pieces(between: "<svg ").dropFirst()
        #expect(drawings.count > 3)
        for drawing in drawings where !drawing.contains("aria-hidden") {
            #expect(drawing.contains("role=\"img\""))
            #expect(drawing.contains("<title>"))
        }
        for name in ["svg", "section", "div", "table", "tr", "td", "ol", "li", "p", "rect", "path", "details"] {
            let opened = page.pieces(between: "<\(name) ").count + page.pieces(between: "<\(name)>").count - 2
            #expect(opened == page.pieces(between: "</\(name)>").count - 1, "\(name)")
        }
    }

    @Test func chartsAreDrawnForARunOfSomeLength() throws {
        let store = try ReportingStore(rows: 400)
        try store.append(
            (0..<300).map { store.answer("a-\($0)", at: 1_700_000_000 + Int64($0 < 150 ? $0 : $0 + 9000)) })
        try store.append([store.failure("f", at: 1_700_000_010)])
        let page = ReportPage(try store.summary()).text
        for title in ["Throughput", "Tokens received", "Latency", "Failures by class", "Completion tokens", "Progress"]
        {
            #expect(page.contains("<title>\(title)</title>"), "\(title)")
        }
        #expect(!page.contains("Spending"))
        #expect(page.contains("nothing for 2h"))
        #expect(!page.lowercased().contains("nan\"") && !page.contains("inf\""))
    }

    /// WCAG 2.2: 4.5 for text, 3 for graphics.
    @Test(arguments: ["light", "dark", "print"]) func contrast(theme: String) throws {
        let sheet = ReportStyle.sheet.description
        let parts = sheet.pieces(between: ":root {")
        #expect(parts.count == 4)
        let block = parts[["light": 1, "dark": 2, "print": 3][theme]!].pieces(between: "}")[0]
        var colors: [String: Double] = [:]
        for entry in block.pieces(between: "--").dropFirst() {
            let words = entry.pieces(between: ": ")
            guard words.count > 1, let color = UInt32(words[1].dropFirst().prefix(6), radix: 16) else { continue }
            colors[String(words[0])] = luminance(color)
        }
        let card = try #require(colors["card"])
        let page = try #require(colors["page"])
        for (name, color) in colors where !["page", "card", "edge", "grid"].contains(name) {
            // Text is on the page and on cards, graphics only on cards.
            let isText = ["text", "quiet", "accent"].contains(name)
            for background in isText ? [card, page] : [card] {
                let ratio = (max(color, background) + 0.05) / (min(color, background) + 0.05)
                #expect(ratio >= (isText ? 4.5 : 3), "--\(name) in \(theme): \(ratio)")
            }
        }
        #expect(colors.count == 13 + ReportStyle.classColors + 1)
    }

    /// Relative luminance of an sRGB colour (WCAG 2.2).
    private func luminance(_ color: UInt32) -> Double {
        let channels = [16, 8, 0].map { shift -> Double in
            let value = Double(color >> UInt32(shift) & 255) / 255
            return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
        }
        return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]
    }

    @Test func everyFailureClassHasAColour() {
        #expect(RecordCodec.failureClasses.count <= ReportStyle.classColors)
    }

    @Test func filesAreReplacedAsAWhole() throws {
        let store = try ReportingStore()
        let directory = store.directory + "/deep/report"
        let files = try ReportFiles(in: directory)
        let paths = try files.write(try store.summary())
        #expect(try files.write(try store.summary()) == paths)
        #expect(paths.map { $0.split(separator: "/").last! } == ["REPORT.txt", "summary.json", "report.html"])
        #expect(try PosixFileSystem().entries(of: directory) == ["REPORT.txt", "report.html", "summary.json"])
    }

    @Test func aDirectoryThatCannotBeWrittenIsNamed() throws {
        let store = try ReportingStore()
        let error = #expect(throws: RetortError.self) { try ReportFiles(in: store.root + "/retort.json/report") }
        #expect(error?.description.contains("retort.json") == true)
    }

    @Test func theTextFitsAndIsClean() throws {
        let store = try ReportingStore(rows: 9)
        try store.append([
            store.answer("a"), store.failure("b\u{1B}[31m", message: String(repeating: "long\nwords ", count: 90)),
        ])
        let text = SummaryText(try store.summary()).text
        #expect(!text.contains("\u{1B}"))
        for line in text.pieces(between: "\n") { #expect(CellWidth.of(String(line)) <= 120, "\(line)") }
    }
}

extension StringProtocol {
    fileprivate func pieces(between separator: String) -> [Substring] {
        var parts: [Substring] = []
        var rest = Substring(self)
        while let range = rest.firstRange(of: separator) {
            parts.append(rest[..<range.lowerBound])
            rest = rest[range.upperBound...]
        }
        return parts + [rest]
    }
}
