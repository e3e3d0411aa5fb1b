import CommandLine
package import SegmentStore

/// How commands open stores for reading.
package enum StoreAccess {
    package static var options: StoreOptions {
        var options = StoreOptions()
        options.recount = RecordTallies.recounter()
        return options
    }

    /// Options for reading a store that this process is writing: through the same file system layer. Files are opened
    /// in addition to the descriptors kept for the writer.
    package static func options(reading store: RecordStore) -> StoreOptions {
        var options = options
        if !(store.options.files is PosixFileSystem) { options.files = store.options.files }
        return options
    }

    /// Whether an operand is the directory of a store.
    package static func isStore(_ operand: String) -> Bool {
        let files = PosixFileSystem()
        guard operand != "-", let size = try? files.size(of: operand + "/retort.json") else { return false }
        return size > 0
    }

    /// A damaged part in words.
    package static func sentence(_ damage: Damage) -> String {
        "damaged: \(place(damage)): \(damage.reason)"
    }

    /// The file and its damaged bytes.
    package static func place(_ damage: Damage) -> String {
        let name = CellWidth.sanitized(damage.name)
        return damage.range.isEmpty
            ? name : "\(name), bytes \(damage.range.lowerBound)-\(damage.range.upperBound - 1)"
    }
}

extension StoreReader {
    /// Items of the input, once it has been read to its end.
    package var items: Int? { manifest.input?.items(samples: manifest.samples).map { Int(clamping: $0) } }

    /// Items of the input without an outcome; nil if the input must be read to know.
    package var pending: Int? {
        guard let items else { return nil }
        let outcomes = counters.done + counters.failed
        return switch InputMark(inputProgress.identity) {
        case .sole: max(0, items - Int(outcomes))
        case .settled(outcomes): 0
        case .mixed, .settled: nil
        }
    }
}
