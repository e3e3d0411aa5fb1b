package import Basics
import CProcess
package import CommandLine
import Dataset
import Glibc
import RunMonitor

/// Monitoring and control of a run or pipeline in progress: the page and the metrics of `--listen`, the log,
/// notifications, and the control socket in its directory.
package final class LiveMonitor: Sendable {
    /// Of the whole run or pipeline.
    package let watch: RunWatch
    private let parts: [(watch: RunWatch, control: RunControl)]
    /// For a pipeline.
    private let pipelineControl: PipelineControl?
    private let server: MonitorServer?
    private let socket = Locked<ControlSocket?>(nil)
    private let messages: MessageStream
    private let notifier: Notifier?
    private let telemetry: TelemetryExporter?
    /// Whether the run was accepted: before that there is nothing to report.
    private let hasBegun = Locked(false)

    /// What the server displays.
    private struct Source: MonitorSource {
        let watch: RunWatch
        let handler: ControlSocket.Handler

        var control: (@Sendable ([UInt8]) -> ControlReply)? { handler }

        func pageState() -> [UInt8] { watch.pageState() }
        func metrics() -> Exposition { watch.metrics() }
    }

    /// Starts to serve the page of a run, if there is one. A port that is in use is reported before anything is sent.
    package convenience init(
        _ command: ParsedCommand, _ settings: RunSettings, _ messages: MessageStream
    ) throws(RetortError) {
        let log = try Self.log(command, settings)
        let telemetry = try Self.telemetry(command, [(nil, settings)], messages)
        let watch = RunWatch(settings, onSettled: telemetry?.listener(0)) { log?.write($0, $1) }
        let control = RunControl(watch, log: Self.changes(settings, messages, isQuiet: command.flag("quiet")))
        try self.init(command, settings, messages, watch, [(watch, control)], nil, telemetry)
    }

    /// Starts one monitor for all stages of a pipeline.
    package convenience init(
        _ command: ParsedCommand, _ pipeline: Pipeline, _ messages: MessageStream
    ) throws(RetortError) {
        guard var settings = pipeline.stages.first?.settings else {
            throw RetortError(.configuration, "the job has no stages", remedy: "Give it some under `stages:`.")
        }
        settings.out = pipeline.root
        let log = try Self.log(command, settings)
        let telemetry = try Self.telemetry(command, pipeline.stages.map { ($0.name, $0.settings) }, messages)
        let exchanges = ExchangeWatch()
        let stages = pipeline.stages.enumerated().map { number, stage in
            let watch = RunWatch(stage.settings, exchanges: exchanges, onSettled: telemetry?.listener(number)) {
                log?.write($0, $1, stage: stage.name)
            }
            let changes = Self.changes(stage.settings, messages, isQuiet: command.flag("quiet"), of: stage.name)
            return (stage, watch, RunControl(watch, log: changes))
        }
        let watch = RunWatch(
            settings, exchanges: exchanges,
            stages: stages.map { RunWatch.Stage(name: $0.0.name, from: $0.0.from, watch: $0.1) },
            onEvent: { log?.write($0, $1) })
        let limit = pipeline.stages.lazy.compactMap(\.settings.pricing.limit).max()
        watch.changeCostMax(to: limit.map { Money.dollars($0) })
        let control = PipelineControl(watch, stages: stages.map { ($0.0.name, $0.2) })
        try self.init(command, settings, messages, watch, stages.map { ($0.1, $0.2) }, control, telemetry)
    }

    private init(
        _ command: ParsedCommand, _ settings: RunSettings, _ messages: MessageStream, _ watch: RunWatch,
        _ parts: [(RunWatch, RunControl)], _ pipelineControl: PipelineControl?, _ telemetry: TelemetryExporter?
    ) throws(RetortError) {
        self.telemetry = telemetry
        self.messages = messages
        self.watch = watch
        self.parts = parts
        self.pipelineControl = pipelineControl
        notifier = try Self.notifier(command, settings, messages)
        guard let address = try ListenAddress.given(command) else {
            server = nil
            return
        }
        let server = try MonitorServer(
            Source(watch: watch, handler: Self.handler(parts, pipelineControl)), host: address.host,
            port: address.port, token: address.token)
        self.server = server
        watch.start()
        let token = address.token == nil ? "#token=\(server.token)" : ""
        messages.line("live page: \(server.address)\(token)")
    }

    private static func handler(
        _ parts: [(watch: RunWatch, control: RunControl)], _ pipeline: PipelineControl?
    ) -> ControlSocket.Handler {
        if let pipeline { return { pipeline.handle($0) } }
        return { parts[0].control.handle($0) }
    }

    private static func telemetry(
        _ command: ParsedCommand, _ stages: [(name: String?, settings: RunSettings)], _ messages: MessageStream
    ) throws(RetortError) -> TelemetryExporter? {
        try TelemetryExporter(command, stages, environment: ProcessStart.environment()) { text in
            messages.line(messages.palette.yellow("warning: ") + text)
        }
    }

    private static func log(_ command: ParsedCommand, _ settings: RunSettings) throws(RetortError) -> EventLog? {
        try command.stringIfSet("log").map { path throws(RetortError) in
            try EventLog(path, secrets: settings.secrets)
        }
    }

    /// Reports each change to the store and to the terminal.
    private static func changes(
        _ settings: RunSettings, _ messages: MessageStream, isQuiet: Bool, of stage: String? = nil
    ) -> @Sendable (String) -> Void {
        let changes = ChangeLog(in: settings.out)
        return { text in
            changes.append(text)
            if !isQuiet { messages.line((stage.map { "\($0): " } ?? "") + "changed: \(text)") }
        }
    }

    /// Passed to the run's session.
    package var run: LiveRun {
        LiveRun(
            parts[0].watch, parts[0].control, watchesExchanges: server != nil, onOpen: { [self] in begin(in: $0) },
            onClose: { [self] in close() })
    }

    /// Passed to a stage's session.
    package func stage(_ number: Int) -> LiveRun {
        LiveRun(parts[number].watch, parts[number].control, watchesExchanges: server != nil)
    }

    /// Called when the pipeline's directory is locked, before its stages begin.
    package func begin(_ shared: SharedByStages, in root: String) {
        pipelineControl?.attach(shared)
        watch.note(.start, "started: \(root)")
        begin(in: root)
    }

    /// Opens the control socket once the directory is locked. The run continues without one if the file system does not
    /// support sockets.
    private func begin(in directory: String) {
        hasBegun.withLock { $0 = true }
        startNotifying()
        do throws(RetortError) {
            let opened = try ControlSocket(in: directory, Self.handler(parts, pipelineControl))
            socket.withLock { $0 = opened }
        } catch {
            messages.line(messages.palette.yellow("warning: ") + "retort ctl cannot reach this run: \(error)")
        }
    }

    /// Closes the control socket before the directory's lock is released.
    package func close() {
        let opened = socket.withLock { socket in
            defer { socket = nil }
            return socket
        }
        opened?.stop()
    }

    /// Called after the run's summary: sends the final reports.
    package func stop() {
        watch.abandon()
        server?.stop()
        telemetry?.finish()
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

    /// Checks periodically whether a notification is due.
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
}
