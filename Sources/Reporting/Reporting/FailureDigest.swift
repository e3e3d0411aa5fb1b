/// The failures of one class: their number, HTTP statuses, and examples of each kind of message.
package struct FailureDigest: Sendable, Hashable {
    /// One failure, shortened for display.
    package struct Example: Sendable, Hashable {
        package var id: String
        package var sample: Int
        package var attempts: Int
        package var status: Int
        package var created: Int64
        package var message: String
        /// The raw body received instead of an answer; may be empty.
        package var body: String
    }

    /// Failures with the same HTTP status and messages that differ only in numbers and identifiers.
    package struct Kind: Sendable, Hashable {
        package var count: Int
        package var example: Example
    }

    /// Maximum kinds of messages distinguished in a class.
    package static let kindsMax = 24
    package static let messageScalarsMax = 600
    package static let bodyScalarsMax = 1200
    /// Shorter ones without a digit may be ordinary words.
    private static let hexadecimalCharactersMin = 5

    package private(set) var count = 0
    package private(set) var statuses = NameCounts()
    private var kinds: [String: Kind] = [:]
    /// Failures whose kind came after the maximum was reached.
    package private(set) var otherKinds = 0

    /// Adds one failure. `example` is called only if its kind is new.
    package mutating func add(status: Int, message: String, example: () -> Example) {
        count += 1
        statuses.add(String(status))
        let pattern = "\(status) \(Self.pattern(message))"
        if kinds[pattern] != nil {
            kinds[pattern]!.count += 1
        } else if kinds.count < Self.kindsMax {
            kinds[pattern] = Kind(count: 1, example: example())
        } else {
            otherKinds += 1
        }
    }

    /// The most frequent kind first.
    package var sorted: [Kind] {
        kinds.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }.map(\.value)
    }

    /// The message with `#` for every word that contains a digit, or that is hexadecimal and not short: otherwise
    /// request numbers, waiting times and keys would make each failure a kind of its own.
    package static func pattern(_ message: String) -> String {
        var pattern = ""
        var word = ""
        var isNumber = false
        var isHexadecimal = true
        func flush() {
            let isIdentifier = isNumber || isHexadecimal && word.utf8.count >= hexadecimalCharactersMin
            pattern += isIdentifier ? "#" : word
            (word, isNumber, isHexadecimal) = ("", false, true)
        }
        for scalar in message.unicodeScalars.prefix(messageScalarsMax) {
            let isDigit = (0x30...0x39).contains(scalar.value)
            if isDigit || scalar.properties.isAlphabetic {
                isNumber = isNumber || isDigit
                isHexadecimal = isHexadecimal && Character(scalar).isHexDigit
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
