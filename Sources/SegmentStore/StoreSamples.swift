public import Basics

/// How many samples of each row a store is for.
public enum StoreSamples {
    /// Makes a store one for more samples of each row, and `job` its job. Every record stays; the new samples of each
    /// row are pending. One replacement of the manifest does it: killed meanwhile it has happened or it has not.
    ///
    /// Which rows have outcomes is forgotten, because items are numbered by the samples: the next run looks its rows up
    /// by their ids. Throws `.busy` when the store is being written. Fewer samples, or as many, change nothing.
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
