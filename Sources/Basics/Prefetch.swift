internal import CXXHash

extension UnsafeRawBufferPointer {
    /// Has the processor bring the line of memory at `offset`, which may lie outside, into its cache while the program
    /// goes on. Nothing else changes.
    public func prefetch(at offset: Int) {
        if let baseAddress { retort_prefetch(baseAddress + offset) }
    }
}
