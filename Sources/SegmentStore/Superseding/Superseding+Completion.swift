import Basics

extension Superseding {
    /// Completes the work that the manifest announces, and returns the resulting manifest. The store's lock is held.
    ///
    /// If it is killed at any moment, it is started again: a file that no longer exists is already in its place.
    static func finish(_ layout: StoreLayout, _ files: any FileSystem) throws(RetortError) -> StoreManifest {
        var manifest = try StoreManifest.load(layout, files: files)
        guard let work = manifest.superseding else { return manifest }
        // The index must not lead to positions that are about to change.
        try StoreReindex.drop(layout, files, hints: false)
        for lane in Lane.allCases {
            try work.moveSegments(lane, layout, files)
            try work.moveArchive(lane, layout.archive, files)
        }
        try work.list(in: &manifest, layout, files)
        manifest.superseding = nil
        manifest.features.removeAll { $0 == feature }
        try manifest.save(layout, files: files)
        return manifest
    }

    private func moveSegments(
        _ lane: Lane, _ layout: StoreLayout, _ files: any FileSystem
    ) throws(RetortError) {
        let (rewritten, emptied) = (rewritten[lane.directoryName] ?? [], emptied[lane.directoryName] ?? [])
        guard !rewritten.isEmpty || !emptied.isEmpty else { return }
        // Hints of a shorter segment never lead it; the other way round they might.
        for number in rewritten { try Self.replace(layout.hints(lane, number), files) }
        for number in emptied { try files.remove(layout.hints(lane, number)) }
        try files.syncDirectory(layout.index)
        for number in rewritten { try Self.replace(layout.segment(lane, number), files) }
        for number in emptied { try files.remove(layout.segment(lane, number)) }
        try files.syncDirectory(layout.directory(lane))
    }

    private func moveArchive(_ lane: Lane, _ archive: StoreLayout, _ files: any FileSystem) throws(RetortError) {
        let numbers = archived[lane.directoryName] ?? []
        guard !numbers.isEmpty else { return }
        for number in numbers { try Self.replace(archive.segment(lane, number), files) }
        try files.syncDirectory(archive.directory(lane))
    }

    /// Replaces the old file by the new one, unless that has been done.
    private static func replace(_ path: String, _ files: any FileSystem) throws(RetortError) {
        guard try files.size(of: path + suffix) != nil else { return }
        try files.rename(path + suffix, to: path)
    }

    /// Writes the current segments into the manifest. The newest one of a lane stays open.
    private func list(
        in manifest: inout StoreManifest, _ layout: StoreLayout, _ files: any FileSystem
    ) throws(RetortError) {
        for lane in Lane.allCases {
            let last = try files.entries(of: layout.directory(lane)).compactMap(StoreLayout.segmentNumber).max()
            for number in rewritten[lane.directoryName] ?? [] {
                guard let bytes = try files.size(of: layout.segment(lane, number)) else { continue }
                manifest.setSegment(
                    lane, StoreManifest.Segment(number: number, bytes: bytes, sealed: number != last))
            }
        }
    }

    /// Removes the files of a superseding that never took effect. The store's lock is held, and none is in progress.
    static func removeStrays(_ layout: StoreLayout, _ files: any FileSystem) throws(RetortError) {
        let directories = Lane.allCases.flatMap { [layout.directory($0), layout.archive.directory($0)] }
        for directory in directories + [layout.index] {
            for name in try files.entries(of: directory) where StoreLayout.isSuccessor(name) {
                try files.removeRegular(directory + "/" + name)
            }
        }
    }
}
