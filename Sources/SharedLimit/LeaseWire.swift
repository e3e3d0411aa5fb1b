internal import Basics
internal import JSONText

/// The lines that clients and server exchange: one JSON object each way.
enum LeaseWire {
    static let lineBytesMax = 4096

    /// A request line, with the secret that authorises the client.
    static func line(_ request: LeaseRequest, token: String) -> [UInt8] {
        var line = WireObject()
        line.text("token", token)
        line.text("client", request.client)
        line.number("requests", request.requests)
        line.number("tokens", request.tokens)
        line.number("money_bound", request.moneyBound)
        line.number("money_wanted", request.moneyWanted)
        line.number("money_needed", request.moneyNeeded)
        line.number("refused", request.refused)
        line.number("pause_ns", Int(request.pause.nanoseconds))
        return line.finished
    }

    /// Nil if the line is not a request. Numbers are clamped to their limits.
    static func request(_ line: [UInt8]) -> (request: LeaseRequest, token: String)? {
        guard let root = try? JSONParser().parse(line).root, root.kind == .object,
            let token = root["token"]?.string, let client = root["client"]?.string,
            client.utf8.count <= LeaseRequest.clientBytesMax
        else { return nil }
        func number(_ name: StaticString, _ most: Int) -> Int { min(max(0, root[name]?.int ?? 0), most) }
        let request = LeaseRequest(
            client: client, requests: number("requests", LeaseRequest.requestsMax),
            tokens: number("tokens", LeaseRequest.tokensMax), moneyBound: number("money_bound", LeaseRequest.moneyMax),
            moneyWanted: number("money_wanted", LeaseRequest.moneyMax),
            moneyNeeded: number("money_needed", LeaseRequest.moneyMax),
            refused: number("refused", LeaseRequest.requestsMax),
            pause: Interval(nanoseconds: Int64(number("pause_ns", nanosecondsMax))))
        return (request, token)
    }

    /// A day.
    private static let nanosecondsMax = 86_400_000_000_000

    static func line(_ lease: Lease) -> [UInt8] {
        var line = WireObject()
        line.number("now_ns", Int(lease.now.nanoseconds))
        line.text("epoch", Hexadecimal.string(lease.epoch))
        line.number("start_ns", Int(lease.start.nanoseconds))
        line.number("step_ns", Int(lease.step.nanoseconds))
        line.number("requests", lease.requests)
        line.number("tokens", lease.tokens)
        line.number("grace_ns", Int(lease.grace.nanoseconds))
        line.number("again_ns", Int(lease.again.nanoseconds))
        line.number("money_limit", lease.moneyLimit)
        line.number("spent", lease.isSpent ? 1 : 0)
        line.number("rps", lease.terms.requestsPerSecond)
        line.number("rpm", lease.terms.requestsPerMinute)
        line.number("tpm", lease.terms.tokensPerMinute)
        line.number("money_max", lease.terms.moneyMax)
        return line.finished
    }

    /// `isPassing`: the same request may succeed later.
    static func errorLine(_ message: String, isPassing: Bool = false) -> [UInt8] {
        var line = WireObject()
        line.text("error", message)
        if isPassing { line.number("passing", 1) }
        return line.finished
    }

    /// The lease in a reply. Throws the server's error, or `.io` for a line that is neither.
    static func lease(_ line: [UInt8]) throws(RetortError) -> Lease {
        guard let root = try? JSONParser().parse(line).root, root.kind == .object else { throw malformed }
        if let message = root["error"]?.string {
            if root["passing"]?.int == 1 {
                throw RetortError(.io, "the limiter cannot answer now", cause: String(message.prefix(200)))
            }
            throw RetortError(
                .configuration, "the limiter refuses", cause: String(message.prefix(200)),
                remedy: "Compare --limit-token-file with the limiter's --token-file.")
        }
        func number(_ name: StaticString, _ range: ClosedRange<Int>) throws(RetortError) -> Int {
            guard let value = root[name]?.int, range.contains(value) else { throw malformed }
            return value
        }
        func rate(_ name: StaticString) -> Double? {
            root[name]?.double.flatMap { $0 > 0 && $0.isFinite ? $0 : nil }
        }
        guard let epoch = root["epoch"]?.string.flatMap({ Hexadecimal.parse(Array($0.utf8)) }) else { throw malformed }
        let instants = 0...Int.max / 4
        let spans = 0...nanosecondsMax
        let money = 0...LeaseRequest.moneyMax
        let terms = LimitTerms(
            requestsPerSecond: rate("rps"), requestsPerMinute: rate("rpm"), tokensPerMinute: rate("tpm"),
            moneyMax: root["money_max"]?.int.flatMap { money.contains($0) ? $0 : nil })
        return Lease(
            start: Instant(nanoseconds: Int64(try number("start_ns", instants))),
            step: Interval(nanoseconds: Int64(try number("step_ns", spans))),
            requests: try number("requests", 0...LeaseRequest.requestsMax),
            tokens: try number("tokens", 0...LeaseRequest.tokensMax),
            grace: Interval(nanoseconds: Int64(try number("grace_ns", spans))),
            moneyLimit: root["money_limit"]?.int.flatMap { money.contains($0) ? $0 : nil },
            isSpent: try number("spent", 0...1) == 1,
            again: Interval(nanoseconds: Int64(try number("again_ns", spans))),
            now: Instant(nanoseconds: Int64(try number("now_ns", instants))), epoch: epoch, terms: terms)
    }

    private static let malformed = RetortError(
        .io, "the limiter's answer cannot be understood", remedy: "Is it a `retort limit` of this version?")
}

/// A JSON object on a line of its own.
struct WireObject {
    private var bytes: [UInt8] = [UInt8(ascii: "{")]

    private mutating func name(_ name: String) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        JSONString.append(name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
    }

    mutating func text(_ name: String, _ value: String) {
        self.name(name)
        JSONString.append(value, to: &bytes)
    }

    mutating func number(_ name: String, _ value: Int?) {
        self.name(name)
        bytes.append(contentsOf: (value.map { String($0) } ?? "null").utf8)
    }

    mutating func number(_ name: String, _ value: Double?) {
        self.name(name)
        bytes.append(contentsOf: (value.map { "\($0)" } ?? "null").utf8)
    }

    /// With its line feed.
    var finished: [UInt8] { bytes + [UInt8(ascii: "}"), 0x0A] }
}
