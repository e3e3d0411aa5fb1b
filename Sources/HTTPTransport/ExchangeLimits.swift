internal import Basics
internal import ModelAPI

/// The limits of every exchange of a transport, and the errors for exceeding them, which contain neither headers nor
/// bodies.
struct ExchangeLimits: Sendable {
    let authority: String
    let timeouts: TransportTimeouts
    let responseBytesMax: Int

    /// Maximum interim responses (1xx) before the final one.
    static let interimAnswersMax = 256
    static let wrongVersion = "not HTTP: invalid HTTP version"
    static let tooManyInterim = "more than \(interimAnswersMax) interim answers (1xx) came in place of an answer"

    func timeout(_ overdue: ExchangeProgress.Overdue, after latency: Interval) -> TransportFailure {
        let text =
            switch overdue {
            case .firstByte: "no answer within \(timeouts.firstByte.seconds) s"
            case .stalled: "the answer stopped for \(timeouts.stalled.seconds) s"
            case .total: "the answer was not complete within \(timeouts.total.seconds) s"
            }
        return failure(.timeout, text, after: latency)
    }

    func failure(_ kind: TransportFailure.Kind, _ text: String, after latency: Interval) -> TransportFailure {
        TransportFailure(kind, "\(authority): \(text)", latency: latency)
    }

    func failure(_ fault: BodyDecoder.Fault, after latency: Interval) -> TransportFailure {
        switch fault {
        case .tooLarge: failure(.tooLarge, tooLarge, after: latency)
        case .damaged(let words): failure(.malformed, notDecompressed(words), after: latency)
        }
    }

    var noSuchPath: String { "the request's path cannot be part of an address" }
    var noConnection: String { "no connection within \(timeouts.connect.seconds) s" }
    var tooLarge: String { "the answer is larger than the limit of \(responseBytesMax) bytes" }
    var unasked: String { "the server sent bytes that were not requested" }
    var repeated: String { "the server sent an answer twice" }
    var noAnswer: String { "the connection was closed without an answer" }
    func cut(_ words: String) -> String { "the connection was closed in the middle of the answer: \(words)" }
    func broken(_ reason: String) -> String { "the connection broke: \(reason)" }
    func brokenWhileSending(_ reason: String) -> String { "the connection broke while the request was sent: \(reason)" }
    func notDecompressed(_ words: String) -> String { "the answer cannot be decompressed: \(words)" }
}
