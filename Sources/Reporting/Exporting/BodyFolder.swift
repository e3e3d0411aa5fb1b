package import Basics
package import SegmentStore

/// A folder with one file per item: the API's raw body.
package struct BodyFolder {
    private let path: String
    private let files = PosixFileSystem()
    /// Files written, and records without a body.
    package private(set) var written = 0
    package private(set) var empty = 0

    /// Maximum bytes of a file's name before its ending: longer ids are truncated, with a hash appended.
    private static let nameBytesMax = 180

    /// Throws `.usage` if the folder already contains files, so that nothing is replaced.
    package init(_ path: String) throws(RetortError) {
        self.path = path
        guard try files.entries(of: path).isEmpty else {
            throw RetortError(.usage, "the folder is not empty", at: path, remedy: "Name a new one.")
        }
        try files.createDirectory(path)
    }

    package mutating func write(_ body: [UInt8], of key: RecordKey) throws(RetortError) {
        guard !body.isEmpty else {
            empty += 1
            return
        }
        let file = try files.open("\(path)/\(Self.name(of: key)).\(Self.ending(of: body))", .createNew)
        let result: Result<Void, RetortError> = body.withUnsafeBytes { bytes in
            do throws(RetortError) { return .success(try file.write(bytes, at: 0)) } catch { return .failure(error) }
        }
        try result.get()
        written += 1
    }

    /// The id, percent-encoded where a byte is special for some file system or shell, and the sample if it is not the
    /// first. Different keys have different names.
    package static func name(of key: RecordKey) -> String {
        // A name that begins with a dot would be hidden.
        let isHidden = key.id.first == UInt8(ascii: ".")
        var name = PercentEncoding.text(of: isHidden ? key.id.dropFirst() : key.id[...], keeping: isPlain)
        if isHidden { name = "%2E" + name }
        if name.utf8.count > nameBytesMax || name.isEmpty {
            let hash = key.id.withUnsafeBytes { ContentHash.hash128($0) }
            name = name.prefix(nameBytesMax - 33) + "~" + Hexadecimal.string(hash.high) + Hexadecimal.string(hash.low)
        }
        return key.sample == 0 ? name : "\(name)~\(key.sample)"
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || "-_.".utf8.contains(byte)
    }

    /// Chosen by how the body begins.
    private static func ending(of body: [UInt8]) -> String {
        switch body.first(where: { $0 > 0x20 }) {
        case UInt8(ascii: "{"), UInt8(ascii: "["): "json"
        case UInt8(ascii: "<"): "html"
        default: "txt"
        }
    }
}
