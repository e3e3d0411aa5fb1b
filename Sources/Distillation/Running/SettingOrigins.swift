package import Basics
import CommandLine
import JSONText
package import SegmentStore

/// Where the values of a run's options come from: the command line, the environment or a file.
extension RunSettings {
    /// The name of the note that stores them.
    package static let originsNote = "settings_from"

    /// Whether a value is from the environment or a file.
    private var hasDistantOrigins: Bool { origins.contains { !$0.origin.hasPrefix("--") } }

    /// Lines for display; empty if all values are from the command line.
    package var originLines: [String] {
        guard hasDistantOrigins else { return [] }
        let width = origins.map { $0.name.count + $0.value.count }.max().map { min($0, Self.widthMax) } ?? 0
        return ["", "settings"]
            + origins.map { setting in
                let text = "\(setting.name): \(CellWidth.sanitized(setting.value))"
                let gap = String(repeating: " ", count: max(0, width - setting.name.count - setting.value.count))
                return "  \(text)\(gap)  (\(CellWidth.sanitized(setting.origin)))"
            }
    }

    private static let widthMax = 60

    /// A JSON object of objects with `value` and `from`.
    package var originsJSON: [UInt8] {
        var object = Array("{".utf8)
        for setting in origins {
            if object.count > 1 { object.append(UInt8(ascii: ",")) }
            JSONString.append(setting.name, to: &object)
            object += #":{"value":"#.utf8
            JSONString.append(setting.value, to: &object)
            object += #","from":"#.utf8
            JSONString.append(setting.origin, to: &object)
            object.append(UInt8(ascii: "}"))
        }
        object.append(UInt8(ascii: "}"))
        return object
    }

    /// Stores the sources, unless all values are from the command line.
    package func noteOrigins(in store: RecordStore) throws(RetortError) {
        guard hasDistantOrigins || store.manifest.notes?[Self.originsNote] != nil else { return }
        try store.note(Self.originsNote, String(decoding: originsJSON, as: UTF8.self))
    }
}
