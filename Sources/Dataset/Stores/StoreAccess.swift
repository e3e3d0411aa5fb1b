import CommandLine
package import SegmentStore

/// How commands open stores for reading.
package enum StoreAccess {
    package static var options: StoreOptions {
        var options = StoreOptions()
        options.recount = RecordTallies.recounter()
        return options
    }

    /// How a store is read while it is written: from the same files. The kernel's are opened beside the descriptors that are
    /// kept for the writer.
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

    /// A damaged stretch in words.
    package static func sentence(_ damage: Damage) -> String {
        "damaged: \(place(damage)): \(damage.reason)"
    }

    /// The file, and the bytes of it that are meant.
    package static func place(_ damage: Damage) -> String {
        let name = CellWidth.sanitized(damage.name)
        return damage.range.isEmpty
            ? name : "\(name), bytes \(damage.range.lowerBound)-\(damage.range.upperBound - 1)"
    }
}

extension StoreReader {
    /// Items of the input, once it has been read to its end.
    package var items: Int? { manifest.input?.items(samples: manifest.samples).map { Int(clamping: $0) } }

    /// Items of the input without an outcome; nil where that cannot be told without reading the input.
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
