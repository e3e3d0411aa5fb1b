public import Basics
internal import Glibc

/// The data that a command writes to standard output, in large writes.
///
/// Use it from one task or thread at a time. Call `flush` at the end: an output that is dropped does not write.
public final class DataOutput {
    private let writer: DescriptorWriter
    private let isInteractive: Bool
    private var buffer: [UInt8] = []

    /// - Parameter interactive: whether each line is written at once, as a person at a terminal expects.
    public init(descriptor: Int32, name: String, interactive: Bool) {
        writer = DescriptorWriter(descriptor: descriptor, name: name)
        isInteractive = interactive
        buffer.reserveCapacity(Self.bufferBytesMax)
    }

    public static func standardOutput() -> DataOutput {
        DataOutput(
            descriptor: STDOUT_FILENO, name: "standard output", interactive: Terminal.of(STDOUT_FILENO).isTerminal)
    }

    private static let bufferBytesMax = 64 * 1024

    /// Adds bytes as they are.
    /// - Throws: `RetortError.brokenPipe`, or the system's error.
    public func write(_ bytes: some Collection<UInt8>) throws(RetortError) {
        if bytes.count >= Self.bufferBytesMax {
            try flush()
            try writer.write(Array(bytes).span.bytes)
            return
        }
        if buffer.count + bytes.count > Self.bufferBytesMax { try flush() }
        buffer.append(contentsOf: bytes)
    }

    /// Adds a line; the newline is added to it.
    /// - Throws: as `write`.
    public func line(_ text: String) throws(RetortError) {
        try write(text.utf8)
        try write(CollectionOfOne(UInt8(ascii: "\n")))
        if isInteractive { try flush() }
    }

    /// Hands everything to the system.
    /// - Throws: as `write`. What could not be written is dropped, so that a second call does not repeat a part of it.
    public func flush() throws(RetortError) {
        guard !buffer.isEmpty else { return }
        defer { buffer.removeAll(keepingCapacity: true) }
        try writer.write(buffer.span.bytes)
    }
}
