package import Basics
import Dataset
package import SegmentStore

/// The directory in which a run makes its store.
package struct OutputPlace {
    private let root: String
    package static let remedy = "Give --out a directory that can be made and written to."

    package init(_ root: String) { self.root = root }

    /// Throws what keeps a store from being made there, as far as looking tells.
    package func check(_ files: any FileSystem) throws(RetortError) {
        let names: [String]
        do throws(RetortError) {
            names = try files.entries(of: root)
        } catch {
            var error = error
            // Something else at the place of a whole store is no damage of one.
            if error.code == .damagedData { (error.code, error.remedy) = (.io, Self.remedy) }
            if error.remedy == nil { error.remedy = Self.remedy }
            throw error
        }
        try refuseForeignFiles(files)
        // What a run leaves that was stopped before its manifest, and what only tools see.
        let own = Set(
            Lane.allCases.map(\.directoryName)
                + ["index", "superseded", "LOCK", "MARK", "batches", RunRecordFile.name])
        guard
            let other = names.first(where: { !own.contains($0) && !$0.hasPrefix(".") && !$0.hasPrefix("retort.json") })
        else { return }
        throw RetortError(
            .configuration, "the directory is not a store and has other files", at: "\(root)/\(other)",
            remedy: "Give --out a new or an empty directory.")
    }

    /// Files that bear a store's names without its manifest are other data: they would be taken for a torn tail.
    private func refuseForeignFiles(_ files: any FileSystem) throws(RetortError) {
        for directory in Lane.allCases.map(\.directoryName) + ["index", "superseded"] {
            let path = root + "/" + directory
            guard let name = try files.entries(of: path).first else { continue }
            throw RetortError(
                .configuration, "the directory contains store files but no retort.json",
                at: "\(path)/\(name)", remedy: "Restore its retort.json, or use another --out directory.")
        }
    }
}
