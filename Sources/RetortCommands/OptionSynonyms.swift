import CommandLine

/// Option names of other programs and libraries, and the names of the same options here.
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
                "num-samples", "num-completions", "num-return-sequences", "num-generations", "repeat", "best-of",
                "k",
            ],
            option: "samples",
            "Use --samples N: each sample is a request of its own; --n N uses one request."),
        SynonymSpec(
            ["json-mode", "json-object", "output-json"], option: "json", "Use --json: an answer must hold a JSON value."
        ),
        SynonymSpec(
            [
                "json-schema", "guided-json", "structured-output", "structured-outputs", "output-schema",
                "response-model",
                "pydantic", "schema-file",
            ], option: "schema", "Use --schema FILE; --schema-by selects how it is sent to the server."),
        SynonymSpec(["candidate-count", "choices", "num-choices"], option: "n", "Use --n N."),
        SynonymSpec(["top-k"], option: "param", "Use --param top_k=40."),
        SynonymSpec(["min-p"], option: "param", "Use --param min_p=0.1."),
        SynonymSpec(["presence-penalty"], option: "param", "Use --param presence_penalty=0.5."),
        SynonymSpec(["frequency-penalty"], option: "param", "Use --param frequency_penalty=0.5."),
        SynonymSpec(["repetition-penalty"], option: "param", "Use --param repetition_penalty=1.1."),
        SynonymSpec(
            ["logprobs", "top-logprobs"], option: "param",
            "Use --param logprobs=true, with --param top_logprobs=5 for more; the record keeps them in `other`."),
        SynonymSpec(
            ["api-version"], option: "base-url",
            "Write it into the address: --base-url 'https://...?api-version=2024-10-21'."
        ),
        SynonymSpec(
            ["organization", "organisation", "org", "org-id", "project", "project-id"], option: "header",
            "Use --header 'OpenAI-Organization: org-...', or 'OpenAI-Project: ...'."),
        SynonymSpec(
            ["prompt", "text", "message", "question", "query"], option: "template",
            "Put it into a file, one prompt per line: retort run prompts.txt --out DIR. A text that is the same for all rows "
                + "is a --template."),
        SynonymSpec(["streaming"], option: "stream", "Use --stream."),
        SynonymSpec(
            ["no-stream"], option: "keep-body", "Answers are received whole without --stream; leave it out."),
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
            [
                "max-rows", "max-samples", "max-examples", "max-items", "max-prompts", "max-requests", "head", "take",
                "first", "num-rows", "num-examples", "num-prompts", "num-requests", "count", "sample-size",
            ],
            option: "limit", "Use --limit N: the first N rows; a later run without it continues with the rest."),
        SynonymSpec(
            ["offset", "start", "start-index", "from-row", "start-row"], option: "skip",
            "Use --skip N: skip the first N rows."),
        SynonymSpec(
            ["split", "subset", "num-shards", "shards", "shard-id", "rank", "world-size"], option: "shard",
            "Use --shard K/N on each machine; `retort merge` makes one store of several."),
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
