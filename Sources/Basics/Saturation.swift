extension Int {
    /// The sum, or the integer nearest to it where it does not fit: for counts that a server or a file may have made up.
    public func addingSaturated(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}
