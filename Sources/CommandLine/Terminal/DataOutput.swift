public import Basics
internal import Glibc

/// A command's data for standard output, in large writes.
///
/// Use it from one task or thread at a time. Call `flush` at the end: data that was not flushed is lost.
public final class DataOutput {
    private let writer: DescriptorWriter
    private let isInteractive: Bool
    private var buffer: [UInt8] = []

    /// - Parameter interactive: whether each line is written at once, as expected on a terminal.
    public init(descriptor: Int32, name: String, interactive: Bool) {
        writer = DescriptorWriter(descriptor: descriptor, name: name)
        isInteractive = interactive
        buffer.reserveCapacity(Self.bufferBytesMax)
    }

    /// Standard output; interactive if it is a terminal.
    public static func standardOutput() -> DataOutput {
        DataOutput(
            descriptor: STDOUT_FILENO, name: "standard output", interactive: Terminal.of(STDOUT_FILENO).isTerminal)
    }

    private static let bufferBytesMax = 64 * 1024

    /// Writes bytes unchanged.
    ///
    /// - Throws: `RetortError.brokenPipe`, or the system's error.
    public func write(_ bytes: RawSpan) throws(RetortError) {
        if buffer.count + bytes.byteCount > Self.bufferBytesMax { try flush() }
        if bytes.byteCount >= Self.bufferBytesMax {
            try writer.write(bytes)
        } else {
            bytes.withUnsafeBytes { buffer.append(contentsOf: $0) }
        }
    }

    /// Writes bytes unchanged.
    ///
    /// - Throws: as `write` of a span.
    public func write(_ bytes: [UInt8]) throws(RetortError) {
        try write(bytes.span.bytes)
    }

    /// Writes text as UTF-8, without a newline.
    ///
    /// - Throws: as `write` of a span.
    public func write(_ text: String) throws(RetortError) {
        try write(Array(text.utf8))
    }

    /// Writes a line and a newline.
    ///
    /// - Throws: as `write` of a span.
    public func line(_ text: String) throws(RetortError) {
        var bytes = Array(text.utf8)
        bytes.append(UInt8(ascii: "\n"))
        try write(bytes)
        if isInteractive { try flush() }
    }

    /// Passes all buffered data to the system.
    ///
    /// - Throws: as `write` of a span. Data that could not be written is dropped, so that a second call does not repeat
    ///   a part of it.
    public func flush() throws(RetortError) {
        guard !buffer.isEmpty else { return }
        var data: [UInt8] = []
        swap(&data, &buffer)
        defer {
            data.removeAll(keepingCapacity: true)
            swap(&data, &buffer)
        }
        try writer.write(data.span.bytes)
    }
}
