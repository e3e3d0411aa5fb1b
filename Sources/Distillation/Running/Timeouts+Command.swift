import Basics
package import CommandLine
package import HTTPTransport

extension HTTPTransport.Timeouts {
    /// From the options of `run`, `retry` and `serve`.
    package init(_ command: ParsedCommand) {
        self.init(
            connect: command.duration("connect-timeout"), firstByte: command.duration("first-byte-timeout"),
            stalled: command.duration("stall-timeout"), total: command.duration("timeout"))
    }
}
