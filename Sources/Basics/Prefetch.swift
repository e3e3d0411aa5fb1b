internal import CXXHash

extension UnsafeRawBufferPointer {
    /// Asks the processor to load the cache line at `offset` while the program continues. The offset may lie outside
    /// the memory. Has no other effect.
    public func prefetch(at offset: Int) {
        if let baseAddress { retort_prefetch(baseAddress + offset) }
    }
}
