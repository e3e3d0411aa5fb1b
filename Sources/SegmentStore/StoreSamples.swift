public import Basics

/// The number of samples per row that a store is for.
public enum StoreSamples {
    /// Raises a store's number of samples per row, and makes `job` its job. Every record stays; the new samples of each
    /// row are pending. This is one replacement of the manifest: after a kill it has happened or not.
    ///
    /// Which rows have outcomes is forgotten, because items are numbered by the samples: the next run looks its rows up
    /// by id. Throws `.busy` if the store is being written. An equal or smaller number changes nothing.
    public static func raise(
        _ root: String, to samples: Int, job: [String: String], options: StoreOptions = StoreOptions()
    ) throws(RetortError) {
        let layout = StoreLayout(root: root)
        precondition(samples <= StoreLimits.samplesMax, "samples out of range")
        _ = try StoreManifest.load(layout, files: options.files)
        let lock = try options.files.lock(layout.lock)
        defer { lock.release() }
        var manifest = try Superseding.finish(layout, options.files)
        guard samples > manifest.samples else { return }
        manifest.samples = samples
        manifest.job = job
        manifest.forgetRows(.samples)
        try manifest.save(layout, files: options.files)
    }
}
