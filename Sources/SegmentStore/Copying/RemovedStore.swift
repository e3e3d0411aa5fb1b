import Basics

/// Removes a store, its manifest first: what a kill leaves is not a store. Files that are not the store's stay.
struct RemovedStore {
    private let layout: StoreLayout
    private let files: any FileSystem

    init(_ layout: StoreLayout, _ files: any FileSystem) { (self.layout, self.files) = (layout, files) }

    func remove() throws(RetortError) {
        try files.remove(layout.manifest)
        try files.syncDirectory(layout.root)
        let lanes = Lane.allCases.map { layout.directory($0) } + Lane.allCases.map { layout.archive.directory($0) }
        let beside = CopiedFiles.directories.map { "\(layout.root)/\($0)" }
        for directory in lanes + [layout.index] + beside {
            for name in try files.entries(of: directory) { try? files.remove("\(directory)/\(name)") }
            try? files.removeDirectory(directory)
        }
        for name in try files.entries(of: layout.root) { try? files.remove("\(layout.root)/\(name)") }
        try? files.removeDirectory(layout.root)
    }
}
