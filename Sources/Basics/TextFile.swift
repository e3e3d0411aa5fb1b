internal import Glibc

/// Reads text files that options name; they may be pipes (`<(...)`).
public enum TextFile {
    /// Maximum bytes of a text.
    public static let bytesMax = 64 << 20

    private static let pieceBytes = 64 << 10

    /// The whole text. Blocks until the end of a pipe. Throws `.inputMissing`, `.io`, or `.badInput` if the text is too
    /// large or not UTF-8, or if the path is neither a file nor a pipe.
    public static func read(_ path: String) throws(RetortError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(errno, "open", path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system(errno, "fstat", path) }
        let kind = status.st_mode & S_IFMT
        guard kind == S_IFREG || kind == S_IFIFO else {
            throw RetortError(
                .badInput, kind == S_IFDIR ? "a directory, but a file is needed" : "not a file or a pipe",
                at: path)
        }
        let bytes = try contents(descriptor, path)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw RetortError(.badInput, "the file is not UTF-8", at: path, remedy: "Save it in that encoding.")
        }
        return text
    }

    private static func contents(_ descriptor: Int32, _ path: String) throws(RetortError) -> [UInt8] {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: pieceBytes)
        while true {
            let count = Glibc.read(descriptor, &piece, pieceBytes)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system(errno, "read", path) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: piece[..<count])
            guard bytes.count <= bytesMax else {
                throw RetortError(
                    .badInput, "the file is too large", at: path,
                    cause: "the most that is read is \(bytesMax >> 20) MiB")
            }
        }
    }
}
