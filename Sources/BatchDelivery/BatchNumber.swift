internal import JSONText

/// Clamps counts and times from providers and journals to bounds within which their sums cannot overflow.
enum BatchNumber {
    /// Seconds, requests and bytes are all far below this.
    static let most = 1 << 40

    static func clamped(_ value: Int) -> Int { min(max(0, value), most) }

    /// 0 if the value is not a number.
    static func of(_ value: JSONValue?) -> Int { clamped(value?.int ?? 0) }
}
