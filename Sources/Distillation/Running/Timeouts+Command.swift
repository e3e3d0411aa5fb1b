import Basics
package import CommandLine
package import HTTPTransport

extension HTTPTransport.Timeouts {
    /// As the options of `run`, `retry` and `serve` say.
    package init(_ command: ParsedCommand) {
        self.init(
            connect: command.duration("connect-timeout"), firstByte: command.duration("first-byte-timeout"),
            stalled: command.duration("stall-timeout"), total: command.duration("timeout"))
    }
}
