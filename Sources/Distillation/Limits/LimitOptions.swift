package import Basics
package import CommandLine
import Dataset
import Glibc
import SegmentStore
package import SharedLimit

/// The options by which runs share one limit.
package enum LimitOptions {
    package static let options: [OptionSpec] = [
        OptionSpec(
            "limit-server", kind: .string, valueName: "HOST:PORT",
            summary: "share the limits of a `retort limit` with other runs; or file:PATH for runs on this machine",
            details: """
                Requests, tokens and money are leased in small parts, so that all runs together keep to one limit and \
                a killed run blocks nothing. With file:PATH no server is needed: give each run the same --rps, \
                --rpm, --tpm and --max-cost. The limits of this run apply as well.
                """, group: ShardOptions.group, once: true),
        OptionSpec(
            "limit-token-file", kind: .path, valueName: "FILE",
            summary: "a file with the token that the limiter requires",
            group: ShardOptions.group),
        OptionSpec(
            "limit-fallback", kind: .number(0.0001...1), valueName: "SHARE",
            summary: "the part of the limit to take while the limiter cannot be reached; without it requests wait",
            group: ShardOptions.group),
    ]

    /// The settings of the shared limit; nil if there is none.
    package static func settings(_ command: ParsedCommand) throws(RetortError) -> LimitSettings? {
        guard let text = command.stringIfSet("limit-server") else {
            for name in ["limit-token-file", "limit-fallback"] where command.isGiven(name) {
                throw RetortError(.usage, "--\(name) needs --limit-server", remedy: "Add it, or leave --\(name) out.")
            }
            return nil
        }
        let terms = LimitTerms(
            requestsPerSecond: command.numberIfSet("rps"), requestsPerMinute: command.numberIfSet("rpm"),
            tokensPerMinute: command.numberIfSet("tpm"),
            moneyMax: command.numberIfSet("max-cost").map(Money.nanodollars))
        return LimitSettings(
            address: try LimitAddress(text), token: try token(command, "limit-token-file"), ownTerms: terms,
            fallbackShare: command.numberIfSet("limit-fallback"))
    }

    /// The token in a file, without surrounding white space.
    package static func token(_ command: ParsedCommand, _ option: String) throws(RetortError) -> String {
        guard let path = command.stringIfSet(option) else { return "" }
        let text = try TextFile.read(path)
        let word = text.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
        guard !word.isEmpty, word.utf8.count <= tokenBytesMax else {
            throw RetortError(
                .configuration, "the token file has no word of up to \(tokenBytesMax) bytes", at: path,
                remedy: "Put one into it, such as `openssl rand -hex 16` gives.")
        }
        return word
    }

    private static let tokenBytesMax = 256
}

/// The source of a run's share of a limit.
package struct LimitSettings: Sendable {
    package var address: LimitAddress
    package var token: String
    package var ownTerms: LimitTerms
    package var fallbackShare: Double?

    /// How long to wait for a limiter that writes its address to a file: its job may be in a queue.
    package static let beginningMax = Interval.seconds(3600)
    private static let tryInterval = Interval.seconds(1)

    /// `onWait` is called once with the reason for waiting.
    package func connect(onWait: (String) -> Void) throws(RetortError) -> LimitClient {
        let began = Instant.now
        var hasTold = false
        while true {
            do throws(RetortError) {
                return try LimitClient(address, token: token, fileTerms: ownTerms, fallbackShare: fallbackShare)
            } catch {
                guard case .addressFile = address, error.code == .io || error.code == .inputMissing,
                    Instant.now - began < Self.beginningMax
                else { throw Self.final(error) }
                if !hasTold { onWait("waiting for the limiter: \(error)") }
                hasTold = true
                usleep(UInt32(Self.tryInterval.nanoseconds / 1000))
            }
        }
    }

    private static func final(_ error: RetortError) -> RetortError {
        var error = error
        if error.code == .inputMissing { error.code = .io }
        if error.remedy == nil { error.remedy = "Start `retort limit`, or correct --limit-server; nothing was sent." }
        return error
    }
}
