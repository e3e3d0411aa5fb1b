public import Basics

/// What can go wrong with a whole batch. The raw value is the name in specifications and in the counts.
public enum BatchFault: String, Sendable, Hashable, CaseIterable {
    /// The batch stays in progress until it is cancelled.
    case stuck
    /// The batch expires when it is due: its first half has answers.
    case expired
    /// Every third line fails with status 500.
    case partial
    /// Results come in the reverse order.
    case unordered
    /// The middle line is missing from every result file.
    case missing
    /// The download of a result file breaks off in the middle.
    case brokenFile = "broken-file"
    /// The batch is rejected: the account has too many tokens queued.
    case tokenLimit = "token-limit"
    /// The batch is created, but the response is lost.
    case lostCreate = "lost-create"
    /// The batch continues after it is cancelled, and ends when it is due.
    case slowCancel = "slow-cancel"
    /// The server has no batch API: this many of its calls return 404.
    case unknown
    /// The file is stored, but the response is lost.
    case lostUpload = "lost-upload"
}

/// How many batches, downloads or uploads have a fault, counted from the first.
public struct BatchFaultPlan: Sendable, Hashable {
    public var counts: [BatchFault: Int]

    public static let none = BatchFaultPlan(counts: [:])

    public init(counts: [BatchFault: Int]) { self.counts = counts }

    /// Reads `expired=1,missing=2`: the first batch expires, the first two lack a line. Throws a configuration error that
    /// names the part it cannot read.
    public init(parsing specification: String) throws(RetortError) {
        counts = [:]
        for part in specification.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2, let count = Int(sides[1]), count >= 0 else {
                throw RetortError(
                    .configuration, "\"\(part)\" is not of the form FAULT=NUMBER", at: specification,
                    remedy: "Write it like expired=1: so many of the first batches meet it.")
            }
            guard let fault = BatchFault(rawValue: String(sides[0])) else {
                throw RetortError(
                    .configuration, "\"\(sides[0])\" is not a fault of batches", at: specification,
                    remedy: "The faults are \(BatchFault.allCases.map(\.rawValue).joined(separator: ", ")).")
            }
            counts[fault] = count
        }
    }

    /// Whether the next one has the fault; counts it.
    mutating func take(_ fault: BatchFault) -> Bool {
        guard let left = counts[fault], left > 0 else { return false }
        counts[fault] = left - 1
        return true
    }
}
