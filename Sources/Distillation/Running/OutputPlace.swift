package import Basics
import Dataset
package import SegmentStore

/// The directory in which a run creates its store.
package struct OutputPlace {
    private let root: String
    package static let remedy = "Give --out a directory that can be made and written to."

    package init(_ root: String) { self.root = root }

    /// Throws errors that would prevent creating a store there, as far as they can be seen without trying.
    package func check(_ files: any FileSystem) throws(RetortError) {
        let names: [String]
        do throws(RetortError) {
            names = try files.entries(of: root)
        } catch {
            var error = error
            // A file in place of the directory is not a damaged store.
            if error.code == .damagedData { (error.code, error.remedy) = (.io, Self.remedy) }
            if error.remedy == nil { error.remedy = Self.remedy }
            throw error
        }
        try refuseForeignFiles(files)
        // Files left by a run that was stopped before it wrote the manifest, and hidden files.
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

    /// Files with a store's names but without its manifest are other data, which would be taken for a torn tail.
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
