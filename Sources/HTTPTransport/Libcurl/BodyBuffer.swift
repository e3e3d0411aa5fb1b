internal import Glibc

/// A growing response body. The memory is reused from answer to answer.
struct BodyBuffer: ~Copyable {
    /// Memory kept between answers.
    static let keptBytesMax = 64 << 10
    private static let startBytes = 4096

    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    private(set) var count = 0

    init() {}

    deinit { free(base) }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        if count + bytes.count > capacity {
            capacity = max(count + bytes.count, 2 * capacity, BodyBuffer.startBytes)
            base = realloc(base, capacity)
        }
        guard let base else { fatalError("out of memory") }
        base.advanced(by: count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    /// The body, in its own memory.
    mutating func take() -> [UInt8] {
        defer { clear() }
        return [UInt8](UnsafeRawBufferPointer(start: base, count: count))
    }

    mutating func clear() {
        count = 0
        guard capacity > BodyBuffer.keptBytesMax else { return }
        free(base)
        base = nil
        capacity = 0
    }
}
