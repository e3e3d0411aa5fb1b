internal import Basics
import Foundation

/// What the environment says of a fuzzer's run: `RETORT_FUZZ_MINUTES` makes it longer, `RETORT_FUZZ_SEED` repeats one.
public struct FuzzRun: Sendable {
    /// Minutes that the run was asked to take; 0: as short as in `make test`.
    public let minutes: Double
    /// The seed that was asked for; nil: any.
    public let seedGiven: UInt64?
    private let end: Instant

    /// - Parameter secondsMin: how long it takes where nothing else is asked for.
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
