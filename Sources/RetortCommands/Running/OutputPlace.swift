import Basics
import SegmentStore

/// The directory in which a run makes its store.
struct OutputPlace {
    private let root: String
    static let remedy = "Give --out a directory that can be made and written to."

    init(_ root: String) { self.root = root }

    /// Throws what keeps a store from being made there, as far as looking tells.
    func check(_ files: any FileSystem) throws(RetortError) {
        do throws(RetortError) {
            _ = try files.entries(of: root)
        } catch {
            var error = error
            if error.remedy == nil { error.remedy = Self.remedy }
            throw error
        }
        try refuseForeignFiles(files)
    }

    /// Files that bear a store's names without its manifest are somebody's data: they would be taken for a torn tail.
    private func refuseForeignFiles(_ files: any FileSystem) throws(RetortError) {
        for directory in Lane.allCases.map(\.directoryName) + ["index", "superseded"] {
            let path = root + "/" + directory
            guard let name = try files.entries(of: path).first else { continue }
            throw RetortError(
                .configuration, "the directory is no store, but has files where a store keeps its own",
                at: "\(path)/\(name)", cause: "retort.json is missing",
                remedy: "Give --out another directory, or bring back the retort.json that belongs to these files.")
        }
    }
}
