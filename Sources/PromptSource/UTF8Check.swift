/// The offset of the first byte that is not well-formed UTF-8, or nil.
func firstInvalidByte(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
    do {
        _ = try UTF8Span(validating: bytes.span)
        return nil
    } catch {
        return error.byteOffsets.lowerBound
    }
}

/// The offset of the first byte of a slice that is not well-formed UTF-8, or nil.
func firstInvalidByte(_ bytes: ArraySlice<UInt8>) -> Int? {
    bytes.withUnsafeBufferPointer { firstInvalidByte($0) }
}
