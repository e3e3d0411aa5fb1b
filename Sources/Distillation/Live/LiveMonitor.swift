package import Basics
package import CommandLine
import Dataset
import Glibc
import RunMonitor

/// What others see of a run while it goes, and how they change it: the page and the metrics that `--listen` asks for, and
/// the socket in the store.
package final class LiveMonitor: Sendable {
    package let watch: RunWatch
    package let control: RunControl
    private let server: MonitorServer?
    private let socket = Locked<ControlSocket?>(nil)
    private let messages: MessageStream
    private let notifier: Notifier?
    /// Whether the store was opened: before, there is no run to tell of.
    private let hasBegun = Locked(false)

    package var hasPage: Bool { server != nil }

    /// What the server shows.
    private struct Source: MonitorSource {
        let watch: RunWatch
        let handler: RunControl

        var control: (@Sendable ([UInt8]) -> ControlReply)? { { handler.handle($0) } }

        func pageState() -> [UInt8] { watch.pageState() }
        func metrics() -> Exposition { watch.metrics() }
    }

    /// Starts to serve the page, if there is to be one: a port in use is told before anything is sent.
    package init(_ command: ParsedCommand, _ settings: RunSettings, _ messages: MessageStream) throws(RetortError) {
        let isQuiet = command.flag("quiet")
        let changes = ChangeLog(in: settings.out)
        self.messages = messages
        let log = try command.stringIfSet("log").map { path throws(RetortError) in
            try EventLog(path, secrets: settings.secrets)
        }
        notifier = try Self.notifier(command, settings, messages)
        watch = RunWatch(settings) { event, record in log?.write(event, record) }
        control = RunControl(watch) { text in
            changes.append(text)
            if !isQuiet { messages.line("changed: \(text)") }
        }
        guard let address = try Self.address(command) else {
            server = nil
            return
        }
        let server = try MonitorServer(
            Source(watch: watch, handler: control), host: address.host, port: address.port, token: address.token)
        self.server = server
        watch.start()
        let token = address.token == nil ? "#token=\(server.token)" : ""
        messages.line("live page: \(server.address)\(token)")
    }

    /// The store is locked: opens its socket. A run goes on without one, where the file system has none.
    package func open(in store: String) {
        hasBegun.withLock { $0 = true }
        watch.note(.start, "started: \(store)")
        startNotifying()
        let control = control
        do throws(RetortError) {
            let opened = try ControlSocket(in: store) { control.handle($0) }
            socket.withLock { $0 = opened }
        } catch {
            messages.line(messages.palette.yellow("warning: ") + "retort ctl cannot reach this run: \(error)")
        }
    }

    package func close() {
        control.detach()
        let opened = socket.withLock { socket in
            defer { socket = nil }
            return socket
        }
        opened?.stop()
    }

    /// The run is over, and its summary is printed: tells whom it should.
    package func stop() {
        watch.abandon()
        server?.stop()
        if let notifier, hasBegun.withLock({ $0 }) { notifier.end(watch.snapshot.record) }
    }

    private static func notifier(
        _ command: ParsedCommand, _ settings: RunSettings, _ messages: MessageStream
    ) throws(RetortError) -> Notifier? {
        guard let text = command.stringIfSet("notify") else { return nil }
        let limits = Notifier.Limits(
            failures: command.number("notify-failures") / 100, budget: command.number("notify-budget") / 100)
        let target: Notifier.Target =
            PostTarget.isURL(text)
            ? .address(
                try PostTarget(text, option: "--notify", timeout: Notifier.postTime, network: settings.reportNetwork))
            : .command(text)
        return Notifier(target, store: settings.out, limits: limits, secrets: settings.secrets) { messages.line($0) }
    }

    /// Looks now and then whether there is something to tell.
    private func startNotifying() {
        guard notifier != nil else { return }
        WorkThread.start(givesWay: true) { [weak self] in
            while let self, self.hasBegun.withLock({ $0 }), let notifier = self.notifier {
                let state = self.watch.snapshot
                notifier.look(state.record, costMax: state.costMax)
                usleep(RunWatch.sampleMicroseconds)
            }
        }
    }

    /// Where to listen, as the command line says it; nil: nowhere.
    package static func address(_ command: ParsedCommand) throws(RetortError) -> ListenAddress? {
        guard let text = command.stringIfSet("listen") else {
            guard !command.isGiven("listen-token-file") else {
                throw RetortError(
                    .usage, "--listen-token-file is for --listen", remedy: "Add --listen 127.0.0.1:7788, for example.")
            }
            return nil
        }
        var address = try ListenAddress(text)
        if let path = command.stringIfSet("listen-token-file") { address.token = try ListenAddress.token(in: path) }
        return address
    }
}

/// `HOST:PORT` or a port alone, and the token of the server there.
package struct ListenAddress: Sendable, Hashable {
    package var host: String
    package var port: UInt16
    package var token: String?

    package static let tokenBytesMin = 16

    package init(_ text: String) throws(RetortError) {
        let colon = text.lastIndex(of: ":")
        let name = colon.map { String(text[..<$0]) } ?? "127.0.0.1"
        let isBracketed = name.hasPrefix("[") && name.hasSuffix("]")
        host = isBracketed ? String(name.dropFirst().dropLast()) : name
        guard let port = UInt16(colon.map { String(text[text.index(after: $0)...]) } ?? text), !host.isEmpty,
            isBracketed || !host.contains(":")
        else {
            throw RetortError(
                .usage, "not an address to listen on", at: "--listen \(text)",
                remedy: "Give a numeric address and a port, such as 127.0.0.1:7788 or [::1]:7788.")
        }
        self.port = port
    }

    package static func token(in path: String) throws(RetortError) -> String {
        let text = try TextFile.read(path).split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        let isPlain = text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        guard text.utf8.count >= tokenBytesMin, isPlain else {
            throw RetortError(
                .configuration, "the token is too short or has other letters than visible ASCII", at: path,
                remedy: "Write one line of \(tokenBytesMin) characters or more: openssl rand -hex 16 > \(path)")
        }
        return text
    }
}
