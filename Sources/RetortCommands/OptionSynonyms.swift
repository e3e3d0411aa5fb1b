import CommandLine

/// Names that people know from other programs and libraries, and what they are called here.
enum OptionSynonyms {
    static let all: [SynonymSpec] = requests + pace + files + answers + modes

    private static let requests = [
        SynonymSpec(
            ["api-key", "apikey", "key", "openai-api-key", "anthropic-api-key", "token", "auth", "bearer"],
            "Keys come from the environment alone: export OPENAI_API_KEY=..., or --header 'NAME: env:VARIABLE'."),
        SynonymSpec(
            ["url", "api-base", "api-url", "openai-api-base", "server", "host", "endpoint-url", "base"],
            option: "base-url", "Use --base-url URL."),
        SynonymSpec(["headers", "extra-headers", "h"], option: "header", "Use --header 'NAME: VALUE'."),
        SynonymSpec(["model-name", "model-id", "engine", "deployment", "llm"], option: "model", "Use --model NAME."),
        SynonymSpec(
            ["extra-body", "params", "parameters", "sampling-params", "generation-kwargs", "extra"], option: "param",
            "Use --param NAME=JSON, once for each."),
        SynonymSpec(
            ["system", "system-prompt", "system-message", "instructions"], option: "template",
            "A system prompt is part of a template: a line @system and the text under it, then @user; give the file with "
                + "--template. Or give rows with messages."),
        SynonymSpec(
            ["prompt-template", "chat-template", "prompt-format"], option: "template", "Use --template FILE."),
        SynonymSpec(
            ["max-new-tokens", "max-output-tokens", "max-length", "max-gen-toks"], option: "max-tokens",
            "Use --max-tokens N."),
        SynonymSpec(
            [
                "n", "num-samples", "num-completions", "num-return-sequences", "num-generations", "repeat", "best-of",
                "k",
            ],
            option: "samples", "Use --samples N: each sample is a request and a record of its own."),
        SynonymSpec(
            ["json", "json-mode", "json-schema", "schema", "guided-json", "structured-output"],
            option: "response-format",
            "Use --response-format '{\"type\":\"json_object\"}', or a json_schema there."),
        SynonymSpec(
            ["top-k", "min-p", "presence-penalty", "frequency-penalty"], option: "param", "Use --param top_k=40."),
        SynonymSpec(
            ["stream", "no-stream", "streaming"], option: "keep-body", "Answers are received whole; leave it out."),
    ]

    private static let pace = [
        SynonymSpec(
            ["max-retries", "retries", "num-retries", "max-attempts", "retry", "max-retry", "tries"],
            option: "attempts",
            "Use --attempts N, which counts the first request too."),
        SynonymSpec(
            [
                "workers", "num-workers", "max-workers", "threads", "num-threads", "parallel", "parallelism",
                "processes",
                "num-proc", "max-concurrency", "max-concurrent-requests", "max-concurrent", "concurrent-requests",
                "num-concurrent", "num-parallel", "max-parallel", "jobs", "j", "w",
            ], option: "concurrency", "Use --concurrency N: the maximum of requests in flight."),
        SynonymSpec(
            ["batch-size", "batch", "b"], option: "concurrency",
            "Each row is a request of its own; use --concurrency N for the maximum in flight."),
        SynonymSpec(
            ["rate-limit", "max-requests-per-minute", "requests-per-minute", "max-rpm"], option: "rpm", "Use --rpm N."),
        SynonymSpec(["max-tokens-per-minute", "tokens-per-minute", "max-tpm"], option: "tpm", "Use --tpm N."),
        SynonymSpec(["qps", "requests-per-second", "max-rps", "rate"], option: "rps", "Use --rps N."),
        SynonymSpec(["sleep", "delay", "interval", "wait"], option: "throttle", "Use --throttle TIME, such as 200ms."),
        SynonymSpec(["request-timeout", "read-timeout", "timeout-seconds"], option: "timeout", "Use --timeout 10m."),
        SynonymSpec(["backoff", "retry-delay", "initial-backoff"], option: "retry-base", "Use --retry-base TIME."),
        SynonymSpec(["max-backoff", "max-retry-delay"], option: "retry-cap", "Use --retry-cap TIME."),
        SynonymSpec(
            ["budget", "max-budget", "max-spend", "cost-limit", "max-price"], option: "max-cost", "Use --max-cost USD."),
    ]

    private static let files = [
        SynonymSpec(
            ["output", "output-dir", "output-path", "output-file", "out-dir", "save-dir", "save-path", "dest", "d"],
            option: "out", "Use --out DIR; `retort export` makes files of other forms from it."),
        SynonymSpec(
            [
                "input", "input-file", "input-path", "file", "files", "data", "dataset", "prompts", "prompt-file", "i",
                "f",
            ],
            option: "template", "Name the input without an option: retort run FILE --out DIR."),
        SynonymSpec(
            ["limit", "max-rows", "max-samples", "max-examples", "head", "take", "first", "num-rows", "num-examples"],
            option: "template", "Pipe the first rows in: head -n 10 FILE | retort run - --out DIR."),
        SynonymSpec(
            ["skip", "offset", "start"], option: "template", "Pipe the rows in: tail -n +11 FILE | retort run -."),
        SynonymSpec(
            ["split", "subset", "shard", "num-shards"], option: "template",
            "Split the input before it is given: split -n l/4 FILE; `retort merge` makes one store of several."),
    ]

    private static let answers = [
        SynonymSpec(["pricing", "cost"], option: "prices", "Use --prices FILE."),
        SynonymSpec(
            ["log-file", "log-level", "log", "verbose", "v", "debug", "vv", "loglevel"], option: "progress",
            "Use --progress plain for lines of progress, --progress json for programs; failures are in the store."),
        SynonymSpec(["tqdm", "progress-bar", "no-progress"], option: "progress", "Use --progress line, or none."),
        SynonymSpec(["silent", "no-verbose"], "Use --quiet."),
    ]

    private static let modes = [
        SynonymSpec(
            ["dry-run", "dryrun", "estimate", "estimate-cost", "check"], option: "template",
            "Use `retort plan` with the same arguments: it sends nothing."),
        SynonymSpec(
            ["resume", "continue", "restart", "resume-from", "checkpoint", "cache", "cache-dir", "append"],
            option: "template", "Leave it out: the same command again resumes."),
        SynonymSpec(
            ["overwrite", "force", "clean", "no-cache", "no-resume", "fresh"], option: "template",
            "Use a new --out directory; --on-change rerun sends changed prompts again."),
        SynonymSpec(
            ["mock", "fake", "test", "simulation"], option: "simulate", "Use --simulate: the built-in model server."),
        SynonymSpec(
            ["retry-failed", "rerun-failed", "failed-only"], option: "template", "Use `retort retry STORE`."),
    ]
}
