/// How a provider's files and batches differ from OpenAI's.
public struct OpenAIForm: Sendable, Hashable {
    /// The `purpose` of a request file.
    public var purpose = "batch"
    /// The path of uploads.
    public var uploadPath = "/files"
    /// Whether the upload repeats the file's name and type in members of its own.
    public var namesFile = false
    /// The prefix of a request's path in lines and batches.
    public var prefix = "/v1"
    /// Whether a batch has metadata, which carries its name.
    public var hasMetadata = true
    /// Whether an uploaded file must be checked before it can be used.
    public var checksFiles = false
    /// Where the base URL is truncated for these calls: `BatchCall.cut`.
    public var cut = ""

    public init() {}

    public static let openAI = OpenAIForm()

    /// Azure (https://learn.microsoft.com/azure/ai-services/openai/how-to/batch): URLs without a version, files that
    /// are checked first, and no paths below a deployment.
    public static let azure = {
        var form = OpenAIForm()
        (form.prefix, form.checksFiles, form.cut) = ("", true, "/deployments/")
        return form
    }()

    /// Together (https://docs.together.ai/docs/batch-inference).
    public static let together = {
        var form = OpenAIForm()
        (form.purpose, form.uploadPath, form.namesFile, form.hasMetadata) = ("batch-api", "/files/upload", true, false)
        return form
    }()
}
