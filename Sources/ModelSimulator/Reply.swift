import Basics

/// What to send, when, and how it ends: everything the server needs to know about one answer.
struct Reply {
    enum Ending: Hashable {
        case whole
        /// Nothing is sent after this many bytes of the body.
        case stall(after: Int)
        /// The connection is reset after this many bytes of the body.
        case reset(after: Int)
        /// Nothing is sent at all.
        case silence
    }

    var status = 200
    var contentType = "application/json"
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []
    /// From the request's last byte to the first of the reply.
    var delay: Interval = .zero
    /// Where the events of a stream end. If not empty, the body is sent chunked, event by event.
    var marks: [EventStream.Mark] = []
    /// From one token of a stream to the next.
    var timePerToken: Interval = .zero
    var ending: Ending = .whole
    /// The answered item, if the client may keep this answer.
    var receipt: Receipt?
    /// What a provider would bill, whether or not the reply is delivered.
    var bill: Receipt?

    init(body: [UInt8] = []) { self.body = body }

    /// - Parameter endpoint: the endpoint whose error format is used; nil: OpenAI's.
    init(_ error: APIError, to endpoint: CompletionRequest.Endpoint? = nil) {
        status = error.status
        body = error.body(for: endpoint)
    }

    /// How many bytes of the body may be sent this long after its first byte was due.
    func bytesDue(after elapsed: Interval) -> Int {
        let due: Int
        if marks.isEmpty || timePerToken == .zero {
            due = body.count
        } else {
            let tokens = Int(elapsed.nanoseconds / timePerToken.nanoseconds)
            due = mark(beyond: tokens).map { $0 == 0 ? 0 : marks[$0 - 1].end } ?? body.count
        }
        switch ending {
        case .whole: return due
        case .stall(let cut), .reset(let cut): return min(due, cut)
        case .silence: return 0
        }
    }

    /// Whether sending stops at this byte.
    func isCut(at position: Int) -> Bool {
        if case .stall(let cut) = ending { position >= cut } else { false }
    }

    /// The next time after `elapsed` at which more of the body is due; nil if none is.
    func nextDue(after elapsed: Interval) -> Interval? {
        guard !marks.isEmpty, timePerToken > .zero,
            let next = mark(beyond: Int(elapsed.nanoseconds / timePerToken.nanoseconds))
        else { return nil }
        return Interval(nanoseconds: Int64(marks[next].tokens) * timePerToken.nanoseconds)
    }

    /// The index of the first event after this many tokens.
    private func mark(beyond tokens: Int) -> Int? {
        var low = 0
        var high = marks.count
        while low < high {
            let middle = (low + high) / 2
            if marks[middle].tokens > tokens { high = middle } else { low = middle + 1 }
        }
        return low < marks.count ? low : nil
    }
}
