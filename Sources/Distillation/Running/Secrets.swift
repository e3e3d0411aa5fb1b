import Glibc
package import JSONText
package import ModelAPI

/// The secret texts that this process knows: values of variables with names of keys, and those used in headers. A
/// server may echo them; they are replaced by marks of the same length before anything is stored, shown or counted.
package struct Secrets: Sendable {
    /// A text to search for.
    private struct Pattern: Sendable {
        let bytes: [UInt8]
        /// The replacement of each byte: a digit in a secret of digits, so that a number stays a number.
        let mark: UInt8

        init(_ bytes: [UInt8]) {
            self.bytes = bytes
            mark = UInt8(ascii: bytes.allSatisfy { (0x30...0x39).contains($0) } ? "1" : "*")
        }

        func begins(at place: Int, of text: UnsafeBufferPointer<UInt8>) -> Bool {
            guard text.count - place >= bytes.count, let start = text.baseAddress else { return false }
            return bytes.withUnsafeBufferPointer { memcmp(start + place, $0.baseAddress!, $0.count) == 0 }
        }
    }

    /// Finds the patterns in one pass, by Horspool's method for a set: a window as long as the shortest pattern moves
    /// by what its last byte allows for all of them.
    private struct Search: Sendable {
        /// Longest first.
        let patterns: [Pattern]
        private let window: Int
        /// By the window's last byte; 0: a pattern may begin with the window.
        private let skips: [UInt8]

        init(_ patterns: [Pattern]) {
            self.patterns = patterns
            window = min(patterns.map(\.bytes.count).min() ?? 0, Int(UInt8.max))
            var skips = [UInt8](repeating: UInt8(window), count: 256)
            for pattern in patterns {
                for (index, byte) in pattern.bytes.prefix(window).enumerated() {
                    skips[Int(byte)] = min(skips[Int(byte)], UInt8(window - 1 - index))
                }
            }
            self.skips = skips
        }

        /// The first place at or after `from` where a pattern begins.
        func first(in text: UnsafeBufferPointer<UInt8>, from: Int) -> (place: Int, pattern: Pattern)? {
            guard let start = text.baseAddress, window > 0 else { return nil }
            return skips.withUnsafeBufferPointer { skips in
                var at = from + window - 1
                while at < text.count {
                    let skip = skips[Int(start[at])]
                    if skip == 0 {
                        let place = at - window + 1
                        if let pattern = patterns.first(where: { $0.begins(at: place, of: text) }) {
                            return (place, pattern)
                        }
                    }
                    at += max(1, Int(skip))
                }
                return nil
            }
        }
    }

    /// The secrets as they are, and in JSON's spelling if that differs.
    private let spellings: Search
    /// As Unicode scalars, for texts with other escapes.
    private let scalars: [[UInt32]]
    private let areASCII: Bool

    /// Shorter values occur in any text.
    package static let bytesMin = 8
    /// Maximum secrets; no real environment has more.
    package static let countMax = 128

    /// - Parameter headers: those of the requests; their values may come from variables with inconspicuous names.
    package init(environment: [String: String] = [:], headers: [(name: String, value: String)] = []) {
        var texts = Set(environment.filter { SecretNames.isSecret($0.key) && !Self.isPlainWord($0.value) }.values)
        for header in headers where SecretNames.isSecret(header.name) || environment.values.contains(header.value) {
            texts.insert(header.value)
            // A server may repeat the key of `Bearer KEY` alone.
            texts.insert(header.value.split(separator: " ").last.map(String.init) ?? "")
        }
        for (name, value) in environment where name.lowercased().hasSuffix("_proxy") {
            if let password = Self.password(of: value) { texts.insert(password) }
        }
        // A variable that was read from a file may end in a line break.
        let trimmed = Set(texts.map { $0.split(whereSeparator: \.isNewline).joined(separator: "\n") })
        let long = trimmed.map { Array($0.utf8) }.filter { $0.count >= Self.bytesMin }
        // Longest first: a secret may be part of another one.
        let secrets = long.sorted { $0.count > $1.count }.prefix(Self.countMax)
        let written = secrets.flatMap { [$0] + Self.otherSpellings($0) }
        spellings = Search(written.sorted { $0.count > $1.count }.map { Pattern($0) })
        scalars = secrets.map { String(decoding: $0, as: UTF8.self).unicodeScalars.map(\.value) }
        areASCII = secrets.allSatisfy { $0.allSatisfy { $0 < 0x80 } }
    }

    /// Whether a value is a word that answers may contain: `DB_PASSWORD=password` must not change them. Values in the
    /// requests' headers are secrets whatever they are.
    private static func isPlainWord(_ value: String) -> Bool {
        value.utf8.count < plainWordBytesMax
            && (value.utf8.allSatisfy { (0x61...0x7A).contains($0) }
                || value.utf8.allSatisfy { (0x41...0x5A).contains($0) })
    }

    /// Few words are longer.
    private static let plainWordBytesMax = 16

    package static let none = Secrets()

    /// The variables whose values are in request headers, whatever their names.
    package static func variables(
        of environment: [String: String], in headers: [(name: String, value: String)]
    ) -> Set<String> {
        let carriers = environment.filter { variable in
            let value = variable.value.split(whereSeparator: \.isNewline).first ?? ""
            return value.utf8.count >= bytesMin && headers.contains { $0.value.contains(value) }
        }
        return Set(carriers.keys)
    }

    package var isEmpty: Bool { spellings.patterns.isEmpty }

    private static func otherSpellings(_ bytes: [UInt8]) -> [[UInt8]] {
        var escaped: [UInt8] = []
        JSONString.appendContent(bytes, to: &escaped)
        // Some encoders escape slashes.
        let slashed = escaped.flatMap { $0 == UInt8(ascii: "/") ? [UInt8(ascii: "\\"), $0] : [$0] }
        return Set([escaped, slashed]).subtracting([bytes]).sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// `http://user:password@host`
    private static func password(of url: String) -> String? {
        let authority = (url.firstRange(of: "://").map { url[$0.upperBound...] } ?? url[...]).prefix { $0 != "/" }
        guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") else {
            return nil
        }
        return String(authority[authority.index(after: colon)..<at])
    }

    // MARK: Blotting

    /// Replaces every secret in a body, and returns whether there was one. Copies nothing if there is none.
    @discardableResult
    package func blot(_ bytes: inout [UInt8]) -> Bool {
        if isEmpty { return false }
        // All of them are found before any is replaced: they may overlap.
        var found: [(place: Int, pattern: Pattern)] = []
        bytes.withUnsafeBufferPointer { text in
            while let next = spellings.first(in: text, from: found.last.map { $0.place + 1 } ?? 0) {
                found.append(next)
            }
        }
        for (place, pattern) in found {
            let end = place + pattern.bytes.count
            bytes.replaceSubrange(place..<end, with: repeatElement(pattern.mark, count: end - place))
        }
        var hasFound = !found.isEmpty
        let hasEscapes = bytes.withUnsafeBufferPointer { Self.hasEscapes($0, ofASCII: areASCII) }
        if hasEscapes { hasFound = blotEscaped(&bytes) || hasFound }
        return hasFound
    }

    /// False if the text contains no secret in any spelling.
    package func mayHold(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        if isEmpty { return false }
        return spellings.first(in: text, from: 0) != nil || Self.hasEscapes(text, ofASCII: areASCII)
    }

    package func blotted(_ text: String) -> String {
        if isEmpty { return text }
        var bytes = Array(text.utf8)
        blot(&bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: Escapes

    /// Whether a character is written as an escape such as `\u0073`.
    private static func hasEscapes(_ text: UnsafeBufferPointer<UInt8>, ofASCII: Bool) -> Bool {
        guard let start = text.baseAddress else { return false }
        var from = 0
        while let found = memchr(start + from, Int32(UInt8(ascii: "\\")), text.count - from) {
            let at = UnsafeRawPointer(found) - UnsafeRawPointer(start)
            guard at + 4 < text.count else { return false }
            let isASCII =
                text[at + 2] == UInt8(ascii: "0") && text[at + 3] == UInt8(ascii: "0") && text[at + 4] < 0x38
            if text[at + 1] == UInt8(ascii: "u"), isASCII || !ofASCII { return true }
            // An escaped backslash does not escape the next character.
            from = at + 2
        }
        return false
    }

    private func blotEscaped(_ bytes: inout [UInt8]) -> Bool {
        var hasFound = false
        var at = 0
        while at < bytes.count {
            let first = Self.scalar(at, in: bytes)
            if let end = end(at, first.value, in: bytes) {
                bytes.replaceSubrange(at..<end, with: repeatElement(UInt8(ascii: "*"), count: end - at))
                at = end
                hasFound = true
            } else {
                at += first.length
            }
        }
        return hasFound
    }

    /// The end of the first secret that begins at `start`; nil if none does.
    private func end(_ start: Int, _ first: UInt32, in bytes: [UInt8]) -> Int? {
        for secret in scalars where secret.first == first {
            var at = start
            var matched = 0
            while matched < secret.count, at < bytes.count {
                let scalar = Self.scalar(at, in: bytes)
                guard scalar.value == secret[matched] else { break }
                at += scalar.length
                matched += 1
            }
            if matched == secret.count { return at }
        }
        return nil
    }

    /// The scalar written at `at`, and its length in bytes.
    private static func scalar(_ at: Int, in bytes: [UInt8]) -> (value: UInt32, length: Int) {
        let byte = bytes[at]
        if byte == UInt8(ascii: "\\"), at + 1 < bytes.count { return escaped(at, in: bytes) }
        let length = byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
        guard length > 1, at + length <= bytes.count else { return (UInt32(byte), 1) }
        let lead = UInt32(byte) & (0x7F >> UInt32(length))
        let value = bytes[at + 1..<at + length].reduce(lead) { $0 << 6 | UInt32($1 & 0x3F) }
        return (value, length)
    }

    private static func escaped(_ at: Int, in bytes: [UInt8]) -> (value: UInt32, length: Int) {
        switch bytes[at + 1] {
        case UInt8(ascii: "u"):
            guard let unit = unit(at, in: bytes) else { return (UInt32(bytes[at]), 1) }
            guard (0xD800..<0xDC00).contains(unit), let low = Self.unit(at + 6, in: bytes),
                (0xDC00..<0xE000).contains(low)
            else { return (unit, 6) }
            return (0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00), 12)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return (UInt32(bytes[at + 1]), 2)
        case UInt8(ascii: "n"): return (0x0A, 2)
        default: return (UInt32(bytes[at]), 1)
        }
    }

    /// The UTF-16 code unit of `\uXXXX` at `at`.
    private static func unit(_ at: Int, in bytes: [UInt8]) -> UInt32? {
        guard at + 6 <= bytes.count, bytes[at] == UInt8(ascii: "\\"), bytes[at + 1] == UInt8(ascii: "u") else {
            return nil
        }
        return UInt32(String(decoding: bytes[at + 2..<at + 6], as: UTF8.self), radix: 16)
    }
}

/// A transport that removes this process's secrets from replies.
package struct BlottingTransport: ModelTransport {
    package let base: any ModelTransport
    package let secrets: Secrets

    package func send(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure> {
        switch await base.send(request) {
        case .success(var reply):
            secrets.blot(&reply.body)
            if let body = StreamedText.replacement(of: reply.body, blotting: { secrets.blot(&$0) }) {
                reply.body = body
            }
            return .success(reply)
        case .failure(var failure):
            failure.message = secrets.blotted(failure.message)
            secrets.blot(&failure.received)
            return .failure(failure)
        }
    }
}

/// Removes secrets that become visible only when the parts of an answer are joined: a server may split a secret. The
/// body itself was searched by `BlottingTransport`.
package struct BlottingStage: AnswerStage {
    package let secrets: Secrets

    package func judge(_ answer: ModelAnswer, of asked: AskedRequest, with parser: JSONParser) -> StageVerdict {
        func blotted(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
            guard !isShared(text, with: answer.body), text.withUnsafeBufferPointer(secrets.mayHold) else { return nil }
            var bytes = Array(text)
            return secrets.blot(&bytes) ? bytes[...] : nil
        }
        let response = blotted(answer.responseRaw)
        let reasoning = blotted(answer.reasoningRaw)
        let calls = answer.toolCallsRaw.flatMap(blotted)
        guard response != nil || reasoning != nil || calls != nil else { return .accept(answer) }
        let text = response ?? answer.responseRaw
        // In the body the parts are still separate.
        return .accept(
            answer.with(
                body: Array(#"{"content":"#.utf8) + text + Array("}".utf8), response: response, reasoning: reasoning,
                toolCalls: calls))
    }

    /// Whether the text is a piece of the body in place, so that nothing was joined.
    private func isShared(_ text: ArraySlice<UInt8>, with body: [UInt8]) -> Bool {
        body.withUnsafeBytes { body in
            text.withUnsafeBytes { text in
                guard let start = text.baseAddress, let base = body.baseAddress else { return false }
                return start >= base && start < base + body.count
            }
        }
    }
}

extension Secrets {
    /// The check of each answer; empty if there are no secrets.
    package var stages: [any AnswerStage] { isEmpty ? [] : [BlottingStage(secrets: self)] }

    /// The transport, guarded if there are secrets.
    package func guarding(_ transport: any ModelTransport) -> any ModelTransport {
        isEmpty ? transport : BlottingTransport(base: transport, secrets: self)
    }
}
