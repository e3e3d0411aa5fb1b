internal import Basics
import Foundation

/// A fuzzer's settings from the environment: `RETORT_FUZZ_MINUTES` makes it longer, `RETORT_FUZZ_SEED` repeats a run.
public struct FuzzRun: Sendable {
    /// The requested minutes; 0: as short as in `make test`.
    public let minutes: Double
    /// The requested seed; nil: any.
    public let seedGiven: UInt64?
    private let end: Instant

    /// - Parameter secondsMin: the default duration.
    public init(secondsMin: Double = 0) {
        func number<Number: LosslessStringConvertible>(_ name: String) -> Number? {
            ProcessInfo.processInfo.environment[name].flatMap { Number($0) }
        }
        minutes = number("RETORT_FUZZ_MINUTES") ?? 0
        seedGiven = number("RETORT_FUZZ_SEED")
        end = .now + .seconds(minutes > 0 ? minutes * 60 : secondsMin)
    }

    /// Whether its time is over.
    public var isOver: Bool { Instant.now >= end }
}

extension SeededGenerator {
    public mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }
    public mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }
}
