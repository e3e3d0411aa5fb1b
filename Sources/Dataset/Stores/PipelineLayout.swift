package import Basics
import Glibc
import JSONText
import JobFiles
import SegmentStore
import StageSource

/// The stages of a pipeline's directory, for commands that work on all of them.
package struct PipelineLayout: Sendable, Hashable {
    package struct Stage: Sendable, Hashable {
        package var name: String
        package var from: String?
        package var sources: StageSources?
        /// The stage that it judges.
        package var judged: String?
        package var passAt: Double?
        /// For a stage on its own answers: the generation, from the second on.
        package var generation: Int?
        /// The condition on its rows; empty: every answer.
        package var condition: String

        package init(
            name: String, from: String? = nil, sources: StageSources? = nil, judged: String? = nil,
            passAt: Double? = nil, generation: Int? = nil, condition: String
        ) {
            self.name = name
            self.from = from
            self.sources = sources
            self.judged = judged
            self.passAt = passAt
            self.generation = generation
            self.condition = condition
        }
    }

    package var root: String
    package var stages: [Stage]

    private static let fileName = "pipeline.json"
    /// Held by the process that runs the stages.
    package static let lockName = "pipeline.lock"
    private static let fileMode: mode_t = 0o644

    /// The layout of a directory; nil if it is not a pipeline's. Throws `.damagedData` if its file is invalid.
    package static func load(_ root: String) throws(RetortError) -> PipelineLayout? {
        let path = root + "/" + fileName
        let files = PosixFileSystem()
        guard try files.size(of: root + "/retort.json") == nil,
            try files.size(of: path) != nil
        else { return nil }
        let bytes = Array(try TextFile.read(path).utf8)
        guard let stages = (try? JSONParser().parse(bytes))?.root["stages"], !stages.elements.isEmpty,
            (1...JobStage.stagesMax).contains(stages.elements.count)
        else { throw damaged(path) }
        var layout = PipelineLayout(root: root, stages: [])
        for element in stages.elements {
            guard let name = element["name"]?.string, JobStage.isStoreName(name) else { throw damaged(path) }
            let from = element["from"]?.string
            guard from == nil || layout.stages.contains(where: { $0.name == from }),
                !layout.stages.contains(where: { $0.name == name })
            else { throw damaged(path) }
            var stage = Stage(name: name, from: from, condition: element["where"]?.string ?? "")
            if let joined = element["join"] {
                guard let sources = StageSources(joined, among: layout.stages.map(\.name)), sources.driver == from
                else {
                    throw damaged(path)
                }
                stage.sources = sources
            }
            (stage.judged, stage.passAt) = (element["verdict_of"]?.string, element["pass_at"]?.double)
            stage.generation = element["generation"]?.int
            layout.stages.append(stage)
        }
        return layout
    }

    package init(root: String, stages: [Stage]) { (self.root, self.stages) = (root, stages) }

    private static func damaged(_ path: String) -> RetortError {
        RetortError(
            .damagedData, "the pipeline's file cannot be understood", at: path,
            remedy: "Run the pipeline again, which writes it; the stages' stores are as they were.")
    }

    package var origins: [StageOrigin] {
        stages.map {
            StageOrigin(name: $0.name, from: $0.from, generation: $0.sources == nil ? $0.generation : nil)
        }
    }

    package func path(of stage: String) -> String { root + "/" + stage }

    /// The stores of the stages that exist, in order.
    package var stores: [String] {
        stages.map { path(of: $0.name) }.filter { StoreAccess.isStore($0) }
    }

    /// The stores of a stage's generations, if an operand is `OUT/NAME` of a repeated stage; otherwise nil.
    package static func generations(of operand: String) throws(RetortError) -> [String]? {
        let parts = operand.split(separator: "/", omittingEmptySubsequences: false)
        guard !StoreAccess.isStore(operand), let name = parts.last, parts.count > 1,
            let layout = try load(parts.dropLast().joined(separator: "/"))
        else { return nil }
        let found = layout.stages.map(\.name).filter { $0 != name && JobStage.family(of: $0) == name }
        let stores = found.map { layout.path(of: $0) }.filter { StoreAccess.isStore($0) }
        return stores.isEmpty ? nil : stores
    }

    /// The stores that an operand means: one store, or those of a pipeline.
    package static func stores(of operand: String) throws(RetortError) -> [String] {
        if let generations = try generations(of: operand) { return generations }
        guard let layout = try load(operand) else { return [operand] }
        let stores = layout.stores
        guard !stores.isEmpty else {
            throw RetortError(.notFound, "no stage of the pipeline has begun", at: operand)
        }
        return stores
    }

    /// Writes the file.
    package func save() throws(RetortError) {
        let files = PosixFileSystem()
        try files.createDirectory(root)
        var list = JSONList()
        for stage in stages {
            var object = JSONLine()
            object.text("name", stage.name)
            if let from = stage.from { object.text("from", from) }
            if let sources = stage.sources { object.member("join", sources.json) }
            if let judged = stage.judged { object.text("verdict_of", judged) }
            if let number = stage.generation { object.member("generation", String(number)) }
            if let number = stage.passAt { object.member("pass_at", "\(number)") }
            if !stage.condition.isEmpty { object.text("where", stage.condition) }
            list.append(object.finished[...])
        }
        var object = JSONLine()
        object.member("stages", list.finished)
        let path = root + "/" + Self.fileName
        let temporary = "\(path).\(getpid()).tmp"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, Self.fileMode)
        guard descriptor >= 0 else { throw RetortError.system(errno, "open", temporary) }
        let bytes = Array(object.finished) + [0x0A]
        let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        let number = errno
        close(descriptor)
        guard count == bytes.count, rename(temporary, path) == 0 else {
            unlink(temporary)
            throw RetortError.system(number, "write", temporary)
        }
    }
}
