package import Basics
import Dataset
import RunMonitor

/// How a command finds the run of a directory: by the socket in it, or, of a stage, by that of its pipeline.
package enum ControlRoute {
    /// Sends a command. Returns the reply, one JSON object. Throws `.notFound` where no run is active.
    /// - Parameter stage: of the pipeline in that directory, the one that it is for.
    package static func send(
        _ command: ControlCommand, to root: String, stage given: String? = nil
    ) throws(RetortError) -> [UInt8] {
        do throws(RetortError) {
            return try ControlClient.send(command.json(of: given), to: root)
        } catch {
            guard error.code == .notFound, given == nil, let (pipeline, stage) = stage(root) else { throw error }
            return try ControlClient.send(command.json(of: stage), to: pipeline)
        }
    }

    /// The pipeline that a store is a stage of, and the stage's name.
    private static func stage(_ root: String) -> (pipeline: String, stage: String)? {
        var path = Substring(root)
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        let slash = path.lastIndex(of: "/")
        let name = String(slash.map { path[path.index(after: $0)...] } ?? path)
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        guard let layout = try? PipelineLayout.load(folder), layout.stages.contains(where: { $0.name == name }) else {
            return nil
        }
        return (folder, name)
    }
}
