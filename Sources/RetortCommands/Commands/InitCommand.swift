import Basics
import CommandLine
import Distillation
import Glibc
import JobFiles

/// `retort init`: writes a first job file and model file.
enum InitCommand {
    static let spec = CommandSpec(
        "init", summary: "write a commented job file and model file to begin with",
        details: """
            Writes job.yaml, models.yaml and topics.txt into DIR, which is made if missing; files that are there stay as \
            they are. Then: retort run DIR/job.yaml --simulate.
            """,
        examples: [
            ExampleSpec("retort init", "job.yaml and models.yaml in the working directory"),
            ExampleSpec("retort init --schema job", "print the JSON Schema of job files, for editors"),
        ],
        operands: [
            OperandSpec("DIR", .optional, kind: .path, summary: "the directory; default: the working directory")
        ],
        options: [
            OptionSpec(
                "schema", kind: .choice(["job", "models"]), summary: "print the JSON Schema of this file, write nothing"
            )
        ],
        exitCodes: [.io, .configuration])

    /// Mode of the files before the umask.
    private static let fileMode: mode_t = 0o666
    private static let directoryMode: mode_t = 0o777

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        if let name = command.stringIfSet("schema") {
            let schema = JobSchema(RunCommand.spec.options)
            let output = DataOutput.standardOutput()
            try output.write(name == "job" ? schema.job : schema.models)
            try output.flush()
            return .ok
        }
        let directory = command.operand("DIR") ?? "."
        guard mkdir(directory, directoryMode) == 0 || errno == EEXIST else {
            throw RetortError.system(errno, "mkdir", directory)
        }
        let files = Starter.files(in: directory)
        // All or nothing: the user's own job file must not get files beside it that it does not name.
        if let taken = files.first(where: { access($0.path, F_OK) == 0 }) {
            throw RetortError(
                .configuration, "the file exists", at: taken.path,
                remedy: "Name another directory: retort init DIR.")
        }
        for file in files {
            try write(file.text, to: file.path)
            if !command.flag("quiet") { context.messages.line("wrote \(file.path)") }
        }
        if !command.flag("quiet") {
            context.messages.line("try it: retort run \(ShellText.quoted(files[0].path)) --simulate")
        }
        return .ok
    }

    private static func write(_ text: String, to path: String) throws(RetortError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, fileMode)
        guard descriptor >= 0 else { throw .system(errno, "open", path) }
        defer { close(descriptor) }
        let output = DataOutput(descriptor: descriptor, name: path, interactive: false)
        try output.write(text)
        try output.flush()
    }
}

/// The files that `init` writes.
enum Starter {
    /// The job file first.
    static func files(in directory: String) -> [(path: String, text: String)] {
        let prefix = directory == "." ? "" : directory.hasSuffix("/") ? directory : directory + "/"
        return [
            (prefix + "job.yaml", job(prefix)), (prefix + "models.yaml", models), (prefix + "topics.txt", topics),
        ]
    }

    private static func job(_ prefix: String) -> String {
        """
        # What to ask, and of which model. Any option of `retort run` can be here under its name (retort run --help);
        # the command line wins over it, and so do variables such as RETORT_MAX_TOKENS.
        # Check it before paying: retort plan \(prefix)job.yaml

        model-config: models.yaml     # where requests go; also looked for beside this file
        model: chat                   # one of its models

        input: \(prefix)topics.txt    # JSONL, CSV, TSV or lines of text; or a list of files
        out: \(prefix)runs/first              # the answers; run again to resume

        # Each row of the input fills the template. A line of text is the field {{prompt}}.
        prompt: |
          @system
          You write short, exact answers for a textbook.
          @user
          Explain {{prompt}} to a pupil of twelve in three sentences.

        max-tokens: 400
        # temperature: 0.7            # over the model file's
        # samples: 2                  # answers for each row
        # concurrency: 64             # maximum requests in flight
        # rps: 10                     # maximum requests per second
        # max-cost: 5                 # US dollars, over all runs of this store
        # json: true                  # the answer must hold a JSON value; or schema: answer.schema.json
        # response-format: {type: json_object}
        # param: {top_k: 40}          # any other member of the request

        # Several jobs in one file, chosen by --job; each has the lines above, too:
        # jobs:
        #   short: {out: \(prefix)runs/short, max-tokens: 100}
        #   long: {out: \(prefix)runs/long, max-tokens: 2000}

        """
    }

    private static let models = """
        # Where requests go, and the models by names of your own. Keys are read from the environment, never from files.

        api:
          provider: deepseek          # retort run --help lists the known ones; or base-url: https://host/v1
          # key: MY_API_KEY           # the variable that holds the key, where it is not the provider's own
          timeout: 10m
          attempts: 6
          concurrency: 32
          # header: {X-Title: textbook}

        models:
          chat:
            model: deepseek-chat      # what the server calls it
            temperature: 0.7
            # price: {input: 0.27, cached: 0.07, output: 1.10}    # dollars per million tokens
          reasoner:
            model: deepseek-reasoner

        default: chat                 # where a job names none

        """

    private static let topics = "photosynthesis\nplate tectonics\nthe water cycle\nprime numbers\n"
}
