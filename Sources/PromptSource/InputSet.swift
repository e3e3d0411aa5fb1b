public import Basics
internal import Glibc

/// The inputs of a run, in reading order: one sequence of rows.
public struct InputSet: Sendable, Hashable {
    public let files: [InputFile]

    public init(files: [InputFile]) { self.files = files }

    /// The rows of a matrix. `name` is used in messages.
    public init(_ matrix: Matrix, name: String) { self.init(files: [.made(matrix, name: name)]) }

    /// The number of rows, if it is known without reading; else nil.
    public var rowCount: UInt64? {
        var sum: UInt64 = 0
        for file in files {
            guard let count = file.matrix?.rowCount else { return nil }
            sum &+= count
        }
        return sum
    }

    /// Whether the rows are the records of a store.
    public var isStore: Bool { files.contains { $0.kind == .store } }

    /// Resolves what the user named into files: paths, directories (their input files, sorted by name), patterns (`*`,
    /// `?`, `[...]`, `{a,b}`, if no file has the literal name) and `-` for standard input.
    ///
    /// `format` overrides the file extensions; a file without either is read as JSON lines. Only the edges of regular
    /// files are read. Throws `.inputMissing` when a file does not exist or is not readable, `.badInput` when a file
    /// certainly has an unsupported format, `.usage` when nothing is named, `-` is named twice, or a directory holds
    /// both a file and its compressed copy.
    public static func resolve(_ operands: [String], format: InputFormat? = nil) throws(RetortError) -> InputSet {
        var files: [InputFile] = []
        for operand in operands {
            if operand == "-" {
                files.append(.standardInput(format))
            } else {
                for path in try paths(of: operand) { files.append(try InputFile(path: path, format: format)) }
            }
        }
        if files.isEmpty {
            throw RetortError(.usage, "no input is named", remedy: "Name files, a directory, or - for standard input.")
        }
        if files.count(where: { $0.kind == .standardInput }) > 1 {
            throw RetortError(.usage, "standard input is named twice", remedy: "It can be read only once.")
        }
        return InputSet(files: files)
    }

    private static func paths(of operand: String) throws(RetortError) -> [String] {
        var status = stat()
        guard stat(operand, &status) == 0 else {
            let number = errno
            if number == ENOENT, operand.contains(where: { "*?[{".contains($0) }) { return try matches(of: operand) }
            throw InputFile.unreadable(number, "stat", operand)
        }
        return status.st_mode & S_IFMT == S_IFDIR ? try inputs(in: operand) : [operand]
    }

    /// The files that match a pattern, without directories, sorted by bytes.
    private static func matches(of pattern: String) throws(RetortError) -> [String] {
        var result = glob_t()
        defer { globfree(&result) }
        var found: [String] = []
        if glob(pattern, GLOB_BRACE, nil, &result) == 0 {
            for index in 0..<Int(result.gl_pathc) {
                guard let path = result.gl_pathv[index] else { continue }
                found.append(String(cString: path))
            }
        }
        found = found.filter { !isDirectory($0) }
        if found.isEmpty {
            throw RetortError(
                .inputMissing, "no file matches the pattern", at: pattern,
                remedy: "Check the spelling and the working directory.")
        }
        return sorted(found)
    }

    /// The input files of a directory, without hidden files and subdirectories, sorted by bytes.
    private static func inputs(in directory: String) throws(RetortError) -> [String] {
        guard let stream = opendir(directory) else { throw InputFile.unreadable(errno, "opendir", directory) }
        defer { closedir(stream) }
        let prefix = directory.hasSuffix("/") ? directory : directory + "/"
        var found: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard !name.hasPrefix("."), InputFormat(path: name) != nil, !isDirectory(prefix + name) else { continue }
            found.append(prefix + name)
        }
        if found.isEmpty {
            throw RetortError(
                .inputMissing, "the directory holds no input files", at: directory,
                remedy: "Taken are \(InputFormat.names); name other files one by one or by a pattern.")
        }
        // Users often compress a file and keep the original. Reading both would send and pay for every row twice.
        let names = Set(found)
        if let twin = found.first(where: { names.contains($0 + ".gz") }) {
            throw RetortError(
                .usage, "the directory holds a file and its compressed copy", at: twin,
                remedy: "Move one of them away, or name the files that are meant.")
        }
        return sorted(found)
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func sorted(_ paths: [String]) -> [String] {
        paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
