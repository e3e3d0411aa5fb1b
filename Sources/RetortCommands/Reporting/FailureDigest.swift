/// The failures of one class: how many, with which HTTP statuses, and examples of each kind of message.
struct FailureDigest: Sendable, Hashable {
    /// One failure, cut to what a page can show.
    struct Example: Sendable, Hashable {
        var id: String
        var sample: Int
        var attempts: Int
        var status: Int
        var created: Int64
        var message: String
        /// The raw body that came instead of an answer; may be empty.
        var body: String
    }

    /// Failures whose messages differ in digits only.
    struct Kind: Sendable, Hashable {
        var count: Int
        var example: Example
    }

    /// Kinds of messages told apart in a class.
    static let kindsMax = 24
    static let messageScalarsMax = 600
    static let bodyScalarsMax = 1200

    private(set) var count = 0
    private(set) var statuses = NameCounts()
    private var kinds: [String: Kind] = [:]
    /// Failures whose kind came too late to be told apart.
    private(set) var otherKinds = 0

    /// Adds one failure. `example` is only asked for when its kind is new.
    mutating func add(status: Int, message: String, example: () -> Example) {
        count += 1
        statuses.add(String(status))
        let pattern = Self.pattern(message)
        if kinds[pattern] != nil {
            kinds[pattern]!.count += 1
        } else if kinds.count < Self.kindsMax {
            kinds[pattern] = Kind(count: 1, example: example())
        } else {
            otherKinds += 1
        }
    }

    /// The most frequent kind first.
    var sorted: [Kind] {
        kinds.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }.map(\.value)
    }

    /// The message with every run of digits, and of letters mixed with digits, as one `#`: request numbers, waiting
    /// times and keys must not make each failure a kind of its own.
    static func pattern(_ message: String) -> String {
        var pattern = ""
        var word = ""
        var hasDigit = false
        func flush() {
            pattern += hasDigit ? "#" : word
            word = ""
            hasDigit = false
        }
        for scalar in message.unicodeScalars.prefix(messageScalarsMax) {
            let isDigit = (0x30...0x39).contains(scalar.value)
            if isDigit || scalar.properties.isAlphabetic {
                hasDigit = hasDigit || isDigit
                word.unicodeScalars.append(scalar)
            } else {
                flush()
                pattern.unicodeScalars.append(scalar)
            }
        }
        flush()
        return pattern
    }
}
