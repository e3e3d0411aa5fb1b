/// In what a provider's files and batches differ from OpenAI's.
public struct OpenAIForm: Sendable, Hashable {
    /// What files of requests are uploaded for.
    public var purpose = "batch"
    /// Where they are uploaded.
    public var uploadPath = "/files"
    /// Whether the upload names the file and its type once more, in members of their own.
    public var namesFile = false
    /// What stands before a request's path in a line and in a batch.
    public var prefix = "/v1"
    /// Whether a batch carries a name that is given to it.
    public var hasMetadata = true
    /// Whether a file is of use only some time after its upload.
    public var checksFiles = false
    /// Where the base URL ends for these calls: `BatchCall.cut`.
    public var cut = ""

    public init() {}

    public static let openAI = OpenAIForm()

    /// Azure (https://learn.microsoft.com/azure/ai-services/openai/how-to/batch): addresses without a version, files that
    /// are checked first, and nothing below a deployment.
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
