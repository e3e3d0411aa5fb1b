package import Basics
import Glibc
import SegmentStore

/// The report's files in a directory. Each is replaced atomically: a reader finds the old one or the new, also after a
/// crash.
package struct ReportFiles {
    package let directory: String
    private let system = PosixFileSystem()

    /// Creates the directory if it is missing.
    package init(in directory: String) throws(RetortError) {
        self.directory = directory
        try system.createDirectory(directory)
    }

    /// Writes the three files and returns their paths. Throws the system's error; no partial file is left behind.
    ///
    /// - Parameter listsItems: whether `REPORT.txt` ends with a line for each item.
    package func write(_ summary: StoreSummary, listsItems: Bool = false) throws(RetortError) -> [String] {
        let text = try replace("REPORT.txt") { file throws(RetortError) in
            var writer = FileLines(file)
            try writer.add(Array(SummaryText(summary).text.utf8))
            if listsItems { try Self.list(summary.root, to: &writer) }
            try writer.flush()
        }
        let json = try replace("summary.json", with: SummaryJSON(summary).text)
        let page = try replace("report.html", with: Array(ReportPage(summary).text.utf8))
        try system.syncDirectory(directory)
        return [text, json, page]
    }

    private static func list(_ root: String, to writer: inout FileLines) throws(RetortError) {
        try writer.add(Array("\nItems\n-----\n\(ItemLine.heading)\n".utf8))
        var lines = writer
        try ItemLines.forEach(of: root) { item throws(RetortError) in try lines.add(Array((item.text + "\n").utf8)) }
        writer = lines
    }

    private func replace(_ name: String, with bytes: [UInt8]) throws(RetortError) -> String {
        try replace(name) { file throws(RetortError) in
            var writer = FileLines(file)
            try writer.add(bytes)
            try writer.flush()
        }
    }

    private func replace(
        _ name: String, _ write: (any StoreFile) throws(RetortError) -> Void
    ) throws(RetortError) -> String {
        let path = "\(directory)/\(name)"
        let temporary = "\(directory)/.\(name).\(getpid()).tmp"
        do throws(RetortError) {
            let file = try system.open(temporary, .createEmpty)
            try write(file)
            try file.syncData()
            try system.rename(temporary, to: path)
        } catch {
            try? system.remove(temporary)
            throw error
        }
        return path
    }

}

/// Buffers bytes for a new file.
private struct FileLines {
    private let file: any StoreFile
    private var pending: [UInt8] = []
    private var offset = 0

    /// Maximum bytes buffered before they are written.
    private static let pendingMax = 1 << 18

    init(_ file: any StoreFile) { self.file = file }

    mutating func add(_ bytes: [UInt8]) throws(RetortError) {
        pending += bytes
        if pending.count >= Self.pendingMax { try flush() }
    }

    mutating func flush() throws(RetortError) {
        let (file, offset) = (file, offset)
        let result: Result<Void, RetortError> = pending.withUnsafeBytes { buffer in
            do throws(RetortError) { return .success(try file.write(buffer, at: offset)) } catch {
                return .failure(error)
            }
        }
        try result.get()
        self.offset += pending.count
        pending.removeAll(keepingCapacity: true)
    }
}
