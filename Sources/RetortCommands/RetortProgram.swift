public import CommandLine
import Dataset
import Distillation

/// The table of the whole program.
public enum RetortProgram {
    /// One command: its specification and its function.
    struct Entry: Sendable {
        var spec: CommandSpec
        var run: @Sendable (ParsedCommand, CommandContext) async throws -> ExitCode
    }

    static let entries: [Entry] = [
        Entry(spec: RunCommand.spec, run: RunCommand.run),
        Entry(spec: InitCommand.spec, run: InitCommand.run),
        Entry(spec: RetryCommand.spec, run: RetryCommand.run),
        Entry(spec: StatusCommand.spec, run: StatusCommand.run),
        Entry(spec: ListCommand.spec, run: ListCommand.run),
        Entry(spec: WatchCommand.spec, run: WatchCommand.run),
        Entry(spec: CtlCommand.spec, run: CtlCommand.run),
        Entry(spec: TopCommand.spec, run: TopCommand.run),
        Entry(spec: DiffCommand.spec, run: DiffCommand.run),
        Entry(spec: GetCommand.spec, run: GetCommand.run),
        Entry(spec: CatCommand.spec, run: CatCommand.run),
        Entry(spec: ReportCommand.spec, run: ReportCommand.run),
        Entry(spec: ExportCommand.spec, run: ExportCommand.run),
        Entry(spec: CheckCommand.spec, run: CheckCommand.run),
        Entry(spec: EvaluateCommand.spec, run: EvaluateCommand.run),
        Entry(spec: FoldersCommand.spec, run: FoldersCommand.run),
        Entry(spec: PlanCommand.spec, run: PlanCommand.run),
        Entry(spec: CopyCommand.spec, run: CopyCommand.run),
        Entry(spec: MergeCommand.spec, run: MergeCommand.run),
        Entry(spec: VerifyCommand.spec, run: VerifyCommand.run),
        Entry(spec: RepairCommand.spec, run: RepairCommand.run),
        Entry(spec: ReindexCommand.spec, run: ReindexCommand.run),
        Entry(spec: LimitCommand.spec, run: LimitCommand.run),
        Entry(spec: SlurmCommand.spec, run: SlurmCommand.run),
        Entry(spec: ServeCommand.spec, run: ServeCommand.run),
        Entry(spec: SimulateCommand.spec, run: SimulateCommand.run),
        Entry(spec: CompletionCommand.spec, run: CompletionCommand.run),
    ]

    public static let spec = ProgramSpec(
        name: "retort", version: RetortVersion.text,
        summary: "send prompts to a model API and save every answer: none lost, none paid for twice",
        commands: entries.map(\.spec), sharedOptions: [.color, .quiet],
        environment: [
            EnvironmentSpec("OPENAI_API_KEY", "the key of OpenAI-compatible endpoints; never taken from a flag"),
            EnvironmentSpec("OPENAI_ORG_ID", "sent as OpenAI-Organization; OPENAI_PROJECT_ID as OpenAI-Project"),
            EnvironmentSpec("AZURE_OPENAI_API_KEY", "the key of Azure OpenAI, sent as api-key"),
            EnvironmentSpec("AZURE_OPENAI_AD_TOKEN", "a token of Entra ID for Azure OpenAI, sent as bearer token"),
            EnvironmentSpec("ANTHROPIC_API_KEY", "the key for --endpoint messages"),
            EnvironmentSpec("ANTHROPIC_AUTH_TOKEN", "a bearer token for --endpoint messages, in place of the key"),
            EnvironmentSpec("ANTHROPIC_BASE_URL", "the base URL for --endpoint messages"),
            EnvironmentSpec("CURL_CA_BUNDLE", "trusted certificates, also SSL_CERT_FILE and SSL_CERT_DIR"),
            EnvironmentSpec("https_proxy", "the proxy, also http_proxy, all_proxy and no_proxy"),
        ],
        examples: [
            ExampleSpec(
                "retort run data/prompts.jsonl --out runs/demo --simulate",
                "try it: no key, no network, a model server on loopback"),
            ExampleSpec(
                "retort run prompts.jsonl --out runs/a --model deepseek-chat --concurrency 256",
                "run, or resume: the same command again sends only what has no answer on disk"),
            ExampleSpec("retort status runs/a", "how far it is, also while it runs"),
        ], synonyms: OptionSynonyms.all)
}
