/// The failures of one class: how many, with which HTTP statuses, and examples of each kind of message.
package struct FailureDigest: Sendable, Hashable {
    /// One failure, cut to what a page can show.
    package struct Example: Sendable, Hashable {
        package var id: String
        package var sample: Int
        package var attempts: Int
        package var status: Int
        package var created: Int64
        package var message: String
        /// The raw body that came instead of an answer; may be empty.
        package var body: String
    }

    /// Failures with the same HTTP status whose messages differ in numbers and identifiers only.
    package struct Kind: Sendable, Hashable {
        package var count: Int
        package var example: Example
    }

    /// Kinds of messages told apart in a class.
    package static let kindsMax = 24
    package static let messageScalarsMax = 600
    package static let bodyScalarsMax = 1200
    /// Shorter ones without a digit may well be words.
    private static let hexadecimalCharactersMin = 5

    package private(set) var count = 0
    package private(set) var statuses = NameCounts()
    private var kinds: [String: Kind] = [:]
    /// Failures whose kind came too late to be told apart.
    package private(set) var otherKinds = 0

    /// Adds one failure. `example` is only asked for when its kind is new.
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

    /// The message with `#` for every word that has a digit, or that is hexadecimal and not short: request numbers,
    /// waiting times and keys must not make each failure a kind of its own.
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
