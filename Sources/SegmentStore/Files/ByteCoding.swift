import Glibc

/// Appends integers in little-endian order.
struct ByteWriter {
    var bytes: [UInt8] = []

    mutating func append<Value: FixedWidthInteger>(_ value: Value) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(words: (UInt64, UInt64, UInt64, UInt64)) {
        let words = (
            words.0.littleEndian, words.1.littleEndian, words.2.littleEndian, words.3.littleEndian
        )
        withUnsafeBytes(of: words) { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ other: [UInt8]) { bytes.append(contentsOf: other) }
}

/// Reads integers in little-endian order; nil past the end.
struct ByteReader {
    let bytes: UnsafeRawBufferPointer
    var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func read<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) -> Value? {
        guard bytes.count - position >= MemoryLayout<Value>.size else { return nil }
        defer { position += MemoryLayout<Value>.size }
        return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Value.self))
    }

    /// A number of eight bytes that must not be larger than `limit`.
    mutating func read(upTo limit: UInt64) -> UInt64? {
        guard let value = read(UInt64.self), value <= limit else { return nil }
        return value
    }

    var isAtEnd: Bool { position == bytes.count }
}

extension UnsafeRawBufferPointer {
    /// The little-endian integer at `offset`, which must lie inside.
    @inline(__always)
    func load<Value: FixedWidthInteger>(littleEndianAt offset: Int, as type: Value.Type = Value.self) -> Value {
        Value(littleEndian: loadUnaligned(fromByteOffset: offset, as: Value.self))
    }

    func slice(_ offset: Int, _ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[offset..<offset + count])
    }
}

extension UnsafeRawBufferPointer {
    /// The offset of the first line feed at or after `start`.
    func firstLineFeed(from start: Int) -> Int? { first(0x0A, from: start) }

    /// The offset of the first such byte at or after `start`.
    func first(_ byte: UInt8, from start: Int) -> Int? {
        guard start < count, let found = memchr(baseAddress! + start, Int32(byte), count - start) else { return nil }
        return UnsafeRawPointer(found) - baseAddress!
    }
}
