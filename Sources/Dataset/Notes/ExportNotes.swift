import Basics
import CommandLine
import Glibc
import JSONText
import SegmentStore

/// One export of a store, noted in the store for its reports.
package struct ExportNote: Hashable {
    /// Seconds since 1970.
    package var time: Int64
    package var format: String
    /// The output: a file's name, or `standard output`.
    package var output: String
    /// The options that selected or shaped records, as given.
    package var options: String
    package var written: Int
    package var writtenToTest = 0
    /// Skipped records by reason.
    package var leftOut: [String: Int] = [:]
    package var replaced = 0

    package init(
        time: Int64, format: String, output: String, options: String, written: Int, writtenToTest: Int = 0,
        leftOut: [String: Int] = [:], replaced: Int = 0
    ) {
        self.time = time
        self.format = format
        self.output = output
        self.options = options
        self.written = written
        self.writtenToTest = writtenToTest
        self.leftOut = leftOut
        self.replaced = replaced
    }

    /// Maximum bytes of one text.
    private static let textBytesMax = 1000

    package var tree: JSONTree {
        .object([
            .init("time", .integer(Int(time))), .init("format", .text(format)), .init("output", .text(output)),
            .init("options", .text(options)), .init("written", .integer(written)),
            .init("written_to_test", .integer(writtenToTest)),
            .init("left_out", .object(leftOut.sorted { $0.key < $1.key }.map { .init($0, .integer($1)) })),
            .init("replaced", .integer(replaced)),
        ])
    }

    /// One JSON object.
    package var json: [UInt8] {
        func short(_ text: String) -> String { String(decoding: text.utf8.prefix(Self.textBytesMax), as: UTF8.self) }
        var reasons = JSONLine()
        for (reason, count) in leftOut.sorted(by: { $0.key < $1.key }) { reasons.member(short(reason), String(count)) }
        var line = JSONLine()
        line.member("time", String(time))
        line.text("format", short(format))
        line.text("output", short(output))
        line.text("options", short(options))
        line.member("written", String(written))
        line.member("written_to_test", String(writtenToTest))
        line.member("left_out", reasons.finished)
        line.member("replaced", String(replaced))
        return line.finished
    }
}

/// The exports of a store: `exports.jsonl` at its top, one per line, newest last. Nothing depends on it; it may be
/// deleted.
package enum ExportNotes {
    package static let fileName = "exports.jsonl"
    /// Maximum exports that are remembered.
    package static let notesMax = 100
    /// A longer file was not written here.
    package static let bytesMax = 1 << 20

    /// The known exports; empty if there is no file or not one written here.
    package static func read(_ root: String) -> [ExportNote] {
        let descriptor = open("\(root)/\(fileName)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= bytesMax else {
            return []
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        let parser = JSONParser()
        return bytes.prefix(max(0, count)).split(separator: 0x0A).compactMap { line in
            (try? parser.parse(line).root).flatMap(note)
        }
    }

    private static func note(_ root: JSONValue) -> ExportNote? {
        guard let time = root["time"]?.int, (0..<UTCTime.secondsMax).contains(time),
            let format = root["format"]?.string
        else { return nil }
        func count(_ value: JSONValue?) -> Int { max(0, value?.int ?? 0) }
        var leftOut: [String: Int] = [:]
        for (reason, number) in root["left_out"]?.members ?? [] { leftOut[reason.string ?? ""] = count(number) }
        return ExportNote(
            time: Int64(time), format: format, output: root["output"]?.string ?? "",
            options: root["options"]?.string ?? "", written: count(root["written"]),
            writtenToTest: count(root["written_to_test"]), leftOut: leftOut, replaced: count(root["replaced"]))
    }

    /// Adds one, and removes the oldest beyond `notesMax`. Does nothing if the store cannot be written.
    package static func add(_ note: ExportNote, to root: String) {
        var text: [UInt8] = []
        for note in (read(root) + [note]).suffix(notesMax) { text += note.json + [0x0A] }
        let path = "\(root)/\(fileName)"
        let temporary = "\(path).tmp-\(getpid())"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o666)
        guard descriptor >= 0 else { return }
        let isWritten = text.count <= bytesMax && Glibc.write(descriptor, text, text.count) == text.count
        close(descriptor)
        if !isWritten || rename(temporary, path) != 0 { unlink(temporary) }
    }

    /// A line for each of the newest exports and each skip reason in it, for `status` and `report`; empty if there are
    /// none.
    package static func lines(_ notes: [ExportNote], max count: Int = 5) -> [String] {
        notes.suffix(count).flatMap { note in
            var text =
                "\(UTCTime(note.time).text)  \(Human.plural(note.written, "record")) as \(note.format) to \(note.output)"
            if note.writtenToTest > 0 { text += ", \(Human.count(note.writtenToTest)) as a test part" }
            if !note.options.isEmpty { text += " (\(note.options))" }
            var lines = [text] + note.leftOut.sorted { $0.key < $1.key }.map { "  left out: \(Human.count($1)) \($0)" }
            if note.replaced > 0 {
                lines.append("  replaced: half of a surrogate pair, in \(Human.plural(note.replaced, "record"))")
            }
            return lines
        }
    }
}
