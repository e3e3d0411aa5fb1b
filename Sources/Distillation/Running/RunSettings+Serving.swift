package import Basics
package import CommandLine
import Dataset
import HTTPTransport
import ModelAPI
import ResponseGenerator

extension RunSettings {
    /// The settings of a server: requests come from clients as they are.
    package init(serving command: ParsedCommand, environment: [String: String]) throws(RetortError) {
        inputs = []
        format = nil
        out = try command.requiredString("out")
        endpoint = .chat
        samples = 1
        template = nil
        templateText = nil
        templateName = nil
        // A repeated request is answered with it.
        keepsBody = true
        isStrict = false
        onChange = .keep
        splitsThinking = false
        rejectedFinishReasons = []
        sync = try Self.syncPolicy(command)
        compressionLevel = command.integer("compression-level")
        drainTimeout = command.duration("drain-timeout")
        responseBytesMax = command.size("response-size-max")
        simulator = try SimulatorOptions.chosen(command, isSimulated: command.flag("simulate"))
        timeouts = HTTPTransport.Timeouts(command)
        parameters = RequestParameters(model: "")
        parameterTexts = [:]
        untold = parameters
        builder = try RequestBuilder(endpoint: .chat, parameters: parameters)
        baseURL = ""
        headers = []
        secrets = Secrets(environment: environment)
        network = simulator == nil ? HTTPTransport.Network(environment: environment) : HTTPTransport.Network()
        pricing = try Pricing(command, parameters: parameters, isSimulated: simulator != nil)
        generator = try Self.generator(command, stopsAtRefusals: false)
        generator.refusalsAreOutcomes = true
        generator.classifier = Classifier(retryAfterMax: command.duration("retry-after-max"))
        generator.classifier.stages = secrets.stages
        origins = RunRequest.origins(command)
    }
}
