package import Basics
import CommandLine
import Dataset
import Glibc
import JSONText
import SegmentStore

/// Writes a folder for each item, and `summary.json` and `REPORT.txt` at the top. Items are written as they are read.
package final class FolderTree {
    private let path: String
    private let verifier: String?
    /// Whether answers without code fences are code.
    private let isCode: Bool
    private let files = PosixFileSystem()
    private let summary: OutputFile
    private let list: OutputFile
    package private(set) var totals = FolderTotals()

    private static let nameCells = 40

    /// Throws `.usage` if the folder already contains files, so that nothing is replaced.
    package init(_ path: String, verifier: String?, isCode: Bool) throws(RetortError) {
        (self.path, self.verifier, self.isCode) = (path, verifier, isCode)
        guard try files.entries(of: path).isEmpty else {
            throw RetortError(
                .usage, "the folder is not empty", at: path, remedy: "Name a new one, such as 'folders/{time}'.")
        }
        try Self.createParents(of: path, files)
        try files.createDirectory(path)
        summary = try OutputFile("\(path)/summary.json", replacing: false)
        list = try OutputFile("\(path)/.items", replacing: false)
        try summary.line(Array(#"{"items":["#.utf8))
    }

    /// The path with `{time}` replaced by the current time: `20261128T181530Z`.
    package static func named(_ path: String, _ seconds: Int64) -> String {
        let time = UTCTime(seconds)
        func digits(_ value: Int64, _ count: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let date = digits(time.year, 4) + digits(time.month, 2) + digits(time.day, 2)
        let clock = digits(time.seconds / 3600, 2) + digits(time.seconds / 60 % 60, 2) + digits(time.seconds % 60, 2)
        return path.replacing("{time}", with: "\(date)T\(clock)Z")
    }

    private static func createParents(of path: String, _ files: PosixFileSystem) throws(RetortError) {
        var at = path.startIndex
        while let slash = path[at...].firstIndex(of: "/") {
            let parent = String(path[..<slash])
            if !parent.isEmpty, access(parent, F_OK) != 0 { try files.createDirectory(parent) }
            at = path.index(after: slash)
        }
    }

    package func add(_ item: ItemFolder) throws(RetortError) {
        let name = BodyFolder.name(of: item.key)
        try item.write(to: "\(path)/\(name)", isCode: isCode, files)
        var line = JSONLine()
        var id: [UInt8] = []
        JSONString.appendText(item.key.id, to: &id)
        line.member("id", id)
        line.member("sample", String(item.key.sample))
        line.text("folder", name)
        line.text("result", item.word)
        line.member("accuracy", item.verdict.map { "\($0.score)" } ?? "null")
        line.member("rounds", String(item.rounds.count))
        try summary.line((totals.items > 0 ? Array(",".utf8) : []) + line.finished)
        let space = String(repeating: " ", count: max(1, Self.nameCells - name.count))
        let accuracy = item.verdict.map { Human.fixed($0.score * 100, 1) + "%" } ?? "-"
        try list.line(
            Array("\(name)\(space)\(item.word)  accuracy \(accuracy)  rounds \(item.rounds.count)".utf8))
        totals.add(item)
    }

    package func finish(_ root: String) throws(RetortError) {
        try summary.line(Array(#"],"totals":"#.utf8) + totals.tree(verifier: verifier).line + Array("}".utf8))
        try summary.finish()
        try list.finish()
        let report = try OutputFile("\(path)/REPORT.txt", replacing: false)
        for line in totals.lines(root, verifier: verifier) { try report.line(Array(line.utf8)) }
        try report.line([])
        try copyList(to: report)
        try report.finish()
        try files.remove("\(path)/.items")
    }

    private func copyList(to report: OutputFile) throws(RetortError) {
        let name = "\(path)/.items"
        let descriptor = open(name, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(errno, "open", name) }
        defer { close(descriptor) }
        var piece = [UInt8](repeating: 0, count: Self.pieceBytes)
        var rest: [UInt8] = []
        while true {
            let count = read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system(errno, "read", name) }
            guard count > 0 else { return }
            var lines = (rest + piece[..<count]).split(separator: 0x0A, omittingEmptySubsequences: false)
            rest = lines.popLast().map(Array.init) ?? []
            for line in lines { try report.line(Array(line)) }
        }
    }

    private static let pieceBytes = 1 << 20
}
