internal import JSONText

/// Counts and times as providers and journals give them: in bounds within which sums of some of them cannot overflow.
enum BatchNumber {
    /// Seconds, requests and bytes are all far below it.
    static let most = 1 << 40

    static func clamped(_ value: Int) -> Int { min(max(0, value), most) }

    /// 0 for what is no number.
    static func of(_ value: JSONValue?) -> Int { clamped(value?.int ?? 0) }
}
