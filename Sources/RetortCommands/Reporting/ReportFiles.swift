import Basics
import Glibc
import SegmentStore

/// The report's files in a directory. Each is replaced as a whole: a reader, or a crash, finds the old one or the new.
struct ReportFiles {
    let directory: String
    private let system = PosixFileSystem()

    /// Makes the directory if it is missing.
    init(in directory: String) throws(RetortError) {
        self.directory = directory
        try system.createDirectory(directory)
    }

    /// Writes the three files and returns their paths. Throws the system's error; nothing half-written is left behind.
    func write(_ summary: StoreSummary) throws(RetortError) -> [String] {
        let files = [
            ("REPORT.txt", Array(SummaryText(summary).text.utf8)),
            ("summary.json", SummaryJSON(summary).text),
            ("report.html", Array(ReportPage(summary).text.utf8)),
        ]
        var paths: [String] = []
        for (name, bytes) in files { paths.append(try replace(name, with: bytes)) }
        try system.syncDirectory(directory)
        return paths
    }

    private func replace(_ name: String, with bytes: [UInt8]) throws(RetortError) -> String {
        let path = "\(directory)/\(name)"
        let temporary = "\(directory)/.\(name).\(getpid()).tmp"
        do throws(RetortError) {
            let file = try system.open(temporary, .createEmpty)
            try write(bytes, to: file)
            try file.syncData()
            try system.rename(temporary, to: path)
        } catch {
            try? system.remove(temporary)
            throw error
        }
        return path
    }

    private func write(_ bytes: [UInt8], to file: any StoreFile) throws(RetortError) {
        let result: Result<Void, RetortError> = bytes.withUnsafeBytes { buffer in
            do throws(RetortError) { return .success(try file.write(buffer, at: 0)) } catch { return .failure(error) }
        }
        try result.get()
    }
}
