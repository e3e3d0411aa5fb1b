public import Basics
@preconcurrency internal import Glibc

/// The properties of a stream: whether it is a terminal, and its width.
public struct Terminal: Sendable, Hashable {
    /// Whether a person sees it directly.
    public var isTerminal: Bool
    /// In cells; 80 if unknown.
    public var width: Int

    public init(isTerminal: Bool, width: Int = defaultWidth) {
        self.isTerminal = isTerminal
        self.width = width
    }

    /// In cells.
    public static let defaultWidth = 80

    /// Queries the system about a stream. `COLUMNS` is used if the system does not know the width.
    public static func of(_ descriptor: Int32, environment: [String: String] = [:]) -> Terminal {
        let columns = environment["COLUMNS"].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
        return Terminal(
            isTerminal: isatty(descriptor) == 1, width: windowWidth(descriptor) ?? columns ?? defaultWidth)
    }

    /// What standard output is.
    public static func standardOutput(environment: [String: String] = [:]) -> Terminal {
        of(STDOUT_FILENO, environment: environment)
    }

    /// What standard error is.
    public static func standardError(environment: [String: String] = [:]) -> Terminal {
        of(STDERR_FILENO, environment: environment)
    }

    /// The width of the stream's window, nil if there is none.
    static func windowWidth(_ descriptor: Int32) -> Int? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }
}

/// The process's arguments and environment.
public enum ProcessStart {
    /// The arguments after the program's own name.
    public static var arguments: [String] { Array(Swift.CommandLine.arguments.dropFirst()) }

    /// Throws `.usage` for an argument or a named variable that is not UTF-8. Two such paths could become one in the
    /// text of `arguments`.
    public static func checkEncoding(variables: [String]) throws(RetortError) {
        for index in 1..<max(1, Int(Swift.CommandLine.argc)) {
            guard let bytes = Swift.CommandLine.unsafeArgv[index] else { break }
            try checkEncoding(bytes, "argument \(index)")
        }
        for name in variables {
            guard let value = getenv(name) else { continue }
            // The value may be a secret.
            if String(validatingCString: value) == nil {
                throw RetortError(.usage, "the value is not UTF-8", at: name, remedy: "Set the variable again.")
            }
        }
    }

    static func checkEncoding(_ bytes: UnsafePointer<CChar>, _ place: String) throws(RetortError) {
        if String(validatingCString: bytes) != nil { return }
        let content = UnsafeBufferPointer(start: bytes, count: strlen(bytes)).map { UInt8(bitPattern: $0) }
        throw RetortError(
            .usage, "the text is not UTF-8: \(escaped(content))", at: place,
            remedy: "Rename the file or directory to a name in UTF-8, or give another one.")
    }

    /// Escapes bytes beyond ASCII as `\xNN`.
    private static func escaped(_ bytes: [UInt8]) -> String {
        bytes.reduce(into: "") { text, byte in
            if (0x20..<0x7F).contains(byte) {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
    }

    /// Every variable that is set, the first one of each name. Call it before threads change the environment.
    public static func environment() -> [String: String] {
        var values: [String: String] = [:]
        var place = environ
        while let text = place.pointee {
            let entry = String(cString: text)
            if let equals = entry.firstIndex(of: "="), values[String(entry[..<equals])] == nil {
                values[String(entry[..<equals])] = String(entry[entry.index(after: equals)...])
            }
            place += 1
        }
        return values
    }
}
