package import Basics
package import CommandLine
import Dataset
import HTTPTransport
import ModelAPI
import PromptSource

extension RunSettings {
    /// The settings of `run` and `plan`.
    ///
    /// - Parameter job: the job file that completed `command`, if its first operand is one.
    package init(_ command: ParsedCommand, environment: [String: String], job: JobFile? = nil) throws(RetortError) {
        try self.init(
            sending: command, to: AccessOptions.endpoint(command), out: command.requiredString("out"),
            isSimulated: command.flag("simulate"), environment: environment)
        try readInput(command, job, environment)
        splitsThinking = command.flag("split-think")
        rejectedFinishReasons = Set(command.strings("reject-finish"))
        (parameters, parameterTexts) = try ParameterOptions.parameters(command, isSimulated: simulator != nil)
        fill = try FillOptions(command, model: parameters.model, hasTemplate: template != nil)
        if let fill {
            endpoint = try fill.endpoint(command, endpoint)
            parameters.stop += parameters.stop.isEmpty ? fill.tokens?.stops ?? [] : []
        }
        tools = try ToolsOption.take(command, endpoint, into: &parameters, texts: &parameterTexts) ?? []
        check = try CheckOptions.check(command)
        verifier = try VerifierSettings(command, environment: environment)
        choices = try ChoicesOption.choices(command, endpoint)
        samples = command.integer("samples") * choices
        telling = try SchemaTelling(command, check)
        try telling.checkStrict(check, endpoint)
        items = try ItemsOption(command, endpoint, check)
        // The prompt describes the array; a schema sent to the server would have to describe all of it.
        if items != nil { telling.means = SchemaMeans.none }
        let access = try AccessOptions(command, endpoint: endpoint, environment: environment)
        try readRequests(
            command, over: access.servers.map { fill?.server($0) ?? $0 }, environment: environment)
        try takeRoute(command, access)
        judgeAnswers(command, ofItems: items != nil)
        // If the server is probed for its means, the requests are changed after that.
        try tell(by: telling.means ?? .none)
        try pricing.checkBudget(builder)
    }

    /// The rows: where they come from, which are taken, and how they become prompts.
    private mutating func readInput(
        _ command: ParsedCommand, _ job: JobFile?, _ environment: [String: String]
    ) throws(RetortError) {
        origins = RunRequest.origins(command)
        let operands = command.operands("PROMPTS")
        inputs = try job?.inputs(given: operands) ?? operands
        if inputs.isEmpty, let made = job?.matrix { matrix = (made, "\(operands.first ?? "") (matrix)") }
        format = command.stringIfSet("format").flatMap { InputFormat(rawValue: $0) }
        let templateFile = try Self.loadTemplate(command) ?? job?.template
        template = templateFile?.template
        templateText = templateFile?.text
        templateName = command.stringIfSet("template") ?? (job?.template == nil ? nil : operands.first)
        metadataOnly = try ParameterOptions.metadataOnly(command)
        rows = RowRange(skip: command.integerIfSet("skip"), limit: command.integerIfSet("limit"))
        rows.selection = try StageOptions.selection(command, job?.source?.names ?? [], template)
        continues = try StageOptions.continues(command, hasTemplate: template != nil)
        acceptedWanted = command.integerIfSet("until-accepted")
        shard = try ShardOptions.shard(command, environment: environment)
        siblings = command.strings("siblings")
        isStrict = command.flag("strict")
        onChange = command.choice("on-change")
    }

    /// How the rows are sent, and what that costs.
    private mutating func takeRoute(_ command: ParsedCommand, _ access: AccessOptions) throws(RetortError) {
        let isSimulated = simulator != nil
        let batches = try BatchOptions.settings(
            command, endpoint: endpoint, baseURL: baseURL, isSimulated: isSimulated)
        route = try RouteOptions.settings(
            command, batches, endpoint: endpoint, baseURL: baseURL, isSimulated: isSimulated)
        if let batches { _ = try access.single("--via \(route == nil ? "batch" : "cheapest")", batches) }
        pricing = pricing.withFlex(
            share: RouteOptions.flexShare(command, baseURL: baseURL, isSimulated: isSimulated))
        if route == nil, let batches { take(batches) }
    }

    private static func loadTemplate(_ command: ParsedCommand) throws(RetortError) -> (
        template: Template, text: String
    )? {
        guard let path = command.stringIfSet("template") else { return nil }
        let template: Template
        do throws(RetortError) { template = try Template.load(path) } catch {
            var error = error
            if error.message == "no such input file" { error.message = "no such template file" }
            throw error
        }
        return (template, try TextFile.read(path) + template.insertedText)
    }
}
