package import Basics
import Dataset
import JSONText
import SegmentStore

/// Writes a batch's result files from the records of its lines: answers in one, failures in the other.
package struct BatchResults {
    private let job: BatchJob
    private let shelf: BatchShelf
    /// Lines that were rejected without a record.
    private let refused: [String: ClientError]

    package init(_ job: BatchJob, _ shelf: BatchShelf, refused: [String: ClientError]) {
        self.job = job
        self.shelf = shelf
        self.refused = refused
    }

    /// A result file, created with its first line.
    private struct Output {
        let id = BatchShelf.newID("file-")
        var writer: DurableFile.Writer?
        var bytes = 0

        mutating func append(_ line: [UInt8], _ shelf: BatchShelf) throws(RetortError) {
            if writer == nil { writer = try DurableFile.Writer(shelf.contentPath(id)) }
            try writer?.append(line)
            bytes += line.count
        }

        func keep(_ name: String, _ job: BatchJob, _ shelf: BatchShelf) throws(RetortError) -> String? {
            guard let writer else { return nil }
            try writer.finish()
            try shelf.keep(
                ServedFile(
                    id: id, owner: job.owner, name: "\(job.id)_\(name).jsonl", purpose: "batch_output", bytes: bytes,
                    created: Int(wallClockSeconds())))
            return id
        }
    }

    /// Writes the files and notes their ids in `job`.
    package func write(into job: inout BatchJob, of root: String) throws(RetortError) {
        let reader = try StoreReader(root, options: StoreAccess.options)
        let lines = try LineFile(shelf.contentPath(job.inputFile))
        let parser = JSONParser()
        var answers = Output()
        var failures = Output()
        while let text = lines.next() {
            guard let line = try? BatchLine(text, endpoint: job.endpoint, parser) else { continue }
            let record = try reader.record(RecordKey(id: line.id(in: job.id)))
            if let record, let root = try? parser.parse(record.line).root {
                let view = RecordView(root)
                if view.isSuccess {
                    try answers.append(Self.line(line, view, status: 200, body: view.json(.answerBody)), shelf)
                } else {
                    try failures.append(Self.failure(line, view), shelf)
                }
            } else {
                let error = refused[line.customID]
                try failures.append(
                    Self.error(line, error?.code ?? "batch_cancelled", error?.message ?? "the line was not sent"),
                    shelf)
            }
        }
        job.outputFile = try answers.keep("output", job, shelf)
        job.errorFile = try failures.keep("error", job, shelf)
    }

    private static func failure(_ line: BatchLine, _ view: RecordView) -> [UInt8] {
        let status = view.integer(.httpStatus)
        let body = view.json(.body)
        guard status >= 400, !body.isEmpty else {
            return error(line, view.text(.failureClass), view.text(.error))
        }
        return self.line(line, view, status: status, body: body)
    }

    private static func line(_ line: BatchLine, _ view: RecordView, status: Int, body: [UInt8]) -> [UInt8] {
        var text = head(line)
        text += #","response":{"status_code":\#(status),"request_id":"#.utf8
        JSONString.append(view.text(.fingerprint), to: &text)
        text += #","body":"#.utf8
        if (try? JSONParser().parse(body)) != nil {
            // Between JSON tokens a line break is white space.
            text += body.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }
        } else {
            JSONString.appendText(body, to: &text)
        }
        return text + #"},"error":null}"#.utf8 + [0x0A]
    }

    private static func error(_ line: BatchLine, _ code: String, _ message: String) -> [UInt8] {
        var text = head(line)
        text += #","response":null,"error":"#.utf8
        text += JSONTree.object([.init("code", .text(code)), .init("message", .text(message))]).line
        return text + [UInt8(ascii: "}"), 0x0A]
    }

    private static func head(_ line: BatchLine) -> [UInt8] {
        var text = Array(#"{"id":"#.utf8)
        JSONString.append(BatchShelf.newID("batch_req_"), to: &text)
        text += #","custom_id":"#.utf8
        JSONString.append(line.customID, to: &text)
        return text
    }
}
