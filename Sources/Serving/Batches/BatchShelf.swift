package import Basics
import Glibc
import JSONText

/// The files and batches of a server, in `front/` of its store. Any thread.
package final class BatchShelf: Sendable {
    private struct State {
        var files: [String: ServedFile] = [:]
        var batches: [String: BatchJob] = [:]
    }

    private let directory: String
    private let state: Locked<State>

    /// The directory within the store.
    package static let name = "front"

    /// Reads the files and batches that earlier servers left.
    package init(in root: String) throws(RetortError) {
        directory = "\(root)/\(Self.name)"
        var found = State()
        for entry in Self.names(in: directory) where entry.hasSuffix(".json") {
            guard let text = try DurableFile.read("\(directory)/\(entry)") else { continue }
            // The id comes from the file name; a file whose content names another id, or a path, is ignored.
            let id = entry.dropLast(".json".count)
            if let job = BatchJob(kept: text), job.id == id {
                found.batches[job.id] = job
            } else if let file = ServedFile(kept: text), file.id == id {
                found.files[file.id] = file
            }
        }
        state = Locked(found)
    }

    private static func names(in directory: String) -> [String] {
        guard let opened = opendir(directory) else { return [] }
        defer { closedir(opened) }
        var names: [String] = []
        while let entry = readdir(opened) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names.sorted()
    }

    package static func newID(_ prefix: String) -> String {
        prefix + Hexadecimal.string(.random(in: 0...UInt64.max))
            + Hexadecimal.string(.random(in: 0...UInt64.max)).prefix(8)
    }

    package func contentPath(_ id: String) -> String { "\(directory)/\(id).jsonl" }

    private func makeDirectory() throws(RetortError) {
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else { throw .system(errno, "mkdir", directory) }
    }

    // MARK: Files

    package func file(_ id: String, of owner: String) -> ServedFile? {
        state.withLock { $0.files[id] }.flatMap { $0.owner == owner ? $0 : nil }
    }

    package func files(of owner: String) -> [ServedFile] {
        state.withLock { $0.files.values.filter { $0.owner == owner } }.sorted {
            ($1.created, $1.id) < ($0.created, $0.id)
        }
    }

    package func add(_ content: ArraySlice<UInt8>, name: String, purpose: String, owner: String) throws(RetortError)
        -> ServedFile
    {
        try makeDirectory()
        let file = ServedFile(
            id: Self.newID("file-"), owner: owner, name: name, purpose: purpose, bytes: content.count,
            created: Int(wallClockSeconds()))
        try DurableFile.write(content, to: contentPath(file.id))
        try keep(file)
        return file
    }

    /// The content is already in place.
    package func keep(_ file: ServedFile) throws(RetortError) {
        try DurableFile.write(file.kept, to: "\(directory)/\(file.id).json")
        state.withLock { $0.files[file.id] = file }
    }

    package func remove(_ file: ServedFile) {
        _ = state.withLock { $0.files.removeValue(forKey: file.id) }
        unlink("\(directory)/\(file.id).json")
        unlink(contentPath(file.id))
    }

    // MARK: Batches

    package func batch(_ id: String) -> BatchJob? { state.withLock { $0.batches[id] } }

    package func batches(of owner: String) -> [BatchJob] {
        state.withLock { $0.batches.values.filter { $0.owner == owner } }
            .sorted { ($1.created, $1.id) < ($0.created, $0.id) }
    }

    /// Unfinished batches, oldest first.
    package var unfinished: [String] {
        state.withLock { $0.batches.values.filter { !$0.status.isOver } }
            .sorted { ($0.created, $0.id) < ($1.created, $1.id) }.map(\.id)
    }

    package func keep(_ job: BatchJob) throws(RetortError) {
        try makeDirectory()
        try DurableFile.write(job.kept, to: "\(directory)/\(job.id).json")
        state.withLock { $0.batches[job.id] = job }
    }

    /// Changes counts that are not stored: they are recomputed from the store.
    package func note(_ id: String, _ change: (inout BatchJob) -> Void) {
        state.withLock { state in
            if var job = state.batches[id] {
                change(&job)
                state.batches[id] = job
            }
        }
    }
}
