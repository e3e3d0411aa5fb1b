package import Basics
import Dataset
package import HTTPServer
import JSONText

/// A client of the server: a name for the books, a key, and its limits.
package struct ClientKey: Sendable, Hashable {
    package var key: String
    package var name: String
    /// Nanodollars over the store's whole life; nil: no limit of its own.
    package var budget: Int?
    /// Requests per minute; nil: any number.
    package var requestsPerMinute: Double?
}

/// The clients of `--client-keys`.
package struct ClientKeys: Sendable, Hashable {
    package private(set) var all: [ClientKey] = []
    private var places: [String: Int] = [:]

    package static let keyBytesMin = 8
    package static let nameBytesMax = 100
    package static let countMax = 10_000
    private static let dollarsMax = 1_000_000_000.0
    private static let perMinuteMax = 100_000_000.0

    package static func load(_ path: String) throws(RetortError) -> ClientKeys {
        try ClientKeys(try TextFile.read(path), at: path)
    }

    /// A JSON list of objects with `key`, `name`, `budget` (dollars) and `rpm`, or lines `KEY NAME [DOLLARS [RPM]]`, in
    /// which `-` means no limit and `#` begins a comment.
    package init(_ text: String, at path: String) throws(RetortError) {
        if let first = text.unicodeScalars.first(where: { !$0.properties.isWhitespace }), first == "[" {
            try read(json: text, path)
        } else {
            try read(lines: text, path)
        }
        guard !all.isEmpty else {
            throw RetortError(
                .configuration, "the file names no client", at: path, remedy: "Write a line for each: KEY NAME DOLLARS."
            )
        }
    }

    /// The client whose key a request carries.
    package func client(of request: HTTPRequest) -> ClientKey? {
        let given = request.bearerToken ?? request.header("x-api-key") ?? request.header("api-key")
        return given.flatMap { places[$0] }.map { all[$0] }
    }

    private mutating func read(lines text: String, _ path: String) throws(RetortError) {
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace).map(String.init)
            if words.isEmpty { continue }
            let place = "\(path):\(number + 1)"
            guard (2...4).contains(words.count) else {
                throw Self.wrong("a client needs a key and a name", place)
            }
            func limit(_ index: Int) throws(RetortError) -> Double? {
                guard index < words.count, words[index] != "-" else { return nil }
                guard let value = Double(words[index]) else { throw Self.wrong("a limit is not a number", place) }
                return value
            }
            try add(key: words[0], name: words[1], dollars: try limit(2), perMinute: try limit(3), place)
        }
    }

    private mutating func read(json text: String, _ path: String) throws(RetortError) {
        let root: JSONValue
        do throws(JSONError) { root = try JSONParser().parse(text).root } catch {
            throw Self.wrong("the file is not JSON: \(error)", path)
        }
        for (number, client) in root.elements.enumerated() {
            let place = "\(path), client \(number + 1)"
            guard let key = client["key"]?.string, let name = client["name"]?.string else {
                throw Self.wrong("a client needs a key and a name", place)
            }
            for (member, value) in [("budget", client["budget"]), ("rpm", client["rpm"])] {
                if let value, value.kind != .null, value.double == nil {
                    throw Self.wrong("\(member) is not a number", place)
                }
            }
            try add(
                key: key, name: name, dollars: client["budget"]?.double, perMinute: client["rpm"]?.double, place)
        }
    }

    /// Error messages never contain a key.
    private mutating func add(
        key: String, name: String, dollars: Double?, perMinute: Double?, _ place: String
    ) throws(RetortError) {
        guard key.utf8.count >= Self.keyBytesMin, key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw Self.wrong("a key is shorter than \(Self.keyBytesMin) letters or not visible ASCII", place)
        }
        guard (1...Self.nameBytesMax).contains(name.utf8.count) else {
            throw Self.wrong("a name is empty or longer than \(Self.nameBytesMax) bytes", place)
        }
        guard places[key] == nil else { throw Self.wrong("the key of \(name) is another client's too", place) }
        guard !all.contains(where: { $0.name == name }) else {
            throw Self.wrong("there are two clients \(name)", place)
        }
        guard all.count < Self.countMax else { throw Self.wrong("there are more than \(Self.countMax) clients", place) }
        if let dollars, !(0...Self.dollarsMax).contains(dollars) {
            throw Self.wrong("the budget of \(name) is not from 0 to \(Int(Self.dollarsMax)) dollars", place)
        }
        if let perMinute, !(0.01...Self.perMinuteMax).contains(perMinute) {
            throw Self.wrong("the requests per minute of \(name) are not from 0.01 to \(Int(Self.perMinuteMax))", place)
        }
        places[key] = all.count
        all.append(
            ClientKey(key: key, name: name, budget: dollars.map(Money.nanodollars), requestsPerMinute: perMinute))
    }

    private static func wrong(_ message: String, _ place: String) -> RetortError {
        RetortError(
            .configuration, message, at: place,
            remedy: "Write lines `KEY NAME DOLLARS RPM`, or a JSON list of objects with key, name, budget and rpm.")
    }
}
