package import Basics
import Dataset
import RunMonitor

/// Finds the run of a directory: through the socket in it or, for a stage, through the pipeline's socket.
package enum ControlRoute {
    /// Sends a command and returns the reply, one JSON object. Throws `.notFound` if no run is active.
    /// - Parameter stage: a stage of the pipeline in that directory, if the command is for one.
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

    /// The pipeline to which a store belongs as a stage, and the stage's name.
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
